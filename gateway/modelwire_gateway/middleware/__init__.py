"""ASGI apps around the transcoder: operators' paths, CORS, compression."""

from modelwire_gateway.middleware.cors import CorsPolicy
from modelwire_gateway.middleware.front import front
from modelwire_gateway.middleware.operations import Operations

__all__ = ["CorsPolicy", "Operations", "front"]
