"""How it is minimised: optimisers, gradients and stopping early."""
