"""Visual output: contact sheets, plots, colour maps, close-ups and films."""
