"""Who calls, and what they may: credentials, keys, limits."""
