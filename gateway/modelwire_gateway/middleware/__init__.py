"""ASGI apps around the transcoder: the hosts it answers to, its closing, operators' paths, CORS, compression."""

from modelwire_gateway.middleware.cors import CorsPolicy
from modelwire_gateway.middleware.front import Front, front
from modelwire_gateway.middleware.hosts import HostPolicy
from modelwire_gateway.middleware.operations import Operations

__all__ = ["CorsPolicy", "Front", "HostPolicy", "Operations", "front"]
