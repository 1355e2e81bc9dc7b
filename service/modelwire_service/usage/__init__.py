"""Who used how much of what: one row a call, written beside the calls."""
