"""The default upstream: a small chat model and an embedding model that run on this machine and need no key."""
