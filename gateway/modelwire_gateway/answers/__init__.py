"""From the response messages of an RPC to an HTTP answer."""
