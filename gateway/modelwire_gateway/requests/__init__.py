"""From path, query and body to the request messages of an RPC."""
