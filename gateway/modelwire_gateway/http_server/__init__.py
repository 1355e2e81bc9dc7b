"""The front door: uvicorn's HTTP/1.1 protocol hardened, a server around it, and the layers around an app:
compression, CORS and the operational paths."""

from modelwire_gateway.http_server.cors import CorsPolicy
from modelwire_gateway.http_server.front import front
from modelwire_gateway.http_server.operations import Operations
from modelwire_gateway.http_server.server import HttpServer

__all__ = ["CorsPolicy", "HttpServer", "Operations", "front"]
