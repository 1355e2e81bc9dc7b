"""Several processes that serve the same doors, and one that keeps them."""
