"""HTTP towards upstreams: `base` is the port, `native` the default adapter, `aiohttp_client` and `httpx_client` others.

Nothing is re-exported: choosing one adapter must not import the library of another.
"""
