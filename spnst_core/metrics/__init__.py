"""How good a pastiche is: metrics, the judges behind them, and comparisons of recipes."""
