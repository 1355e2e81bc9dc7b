"""The project's own HTTP/1.1 client, the default towards upstreams.

`client` is the adapter of the port. A call goes `request_head` → `pool` or `dial` → `connection`, and what comes back
`connection` → `response_parser` → `response`. None of it knows of models.
"""
