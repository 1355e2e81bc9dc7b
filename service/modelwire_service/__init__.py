"""The gRPC service of modelwire: models, and the upstreams that answer for them."""

__version__ = "0.1.0"
