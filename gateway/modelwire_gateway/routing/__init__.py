"""From an HTTP method and a path to the RPC that is meant."""
