"""HTTP towards upstreams: `base` is the port, `aiohttp_client` the default adapter, `httpx_client` the other.

Nothing is re-exported: choosing one adapter must not import the library of the other.
"""
