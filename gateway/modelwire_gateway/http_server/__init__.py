"""The front door: uvicorn's HTTP/1.1 protocol hardened, and a server around it."""

from modelwire_gateway.http_server.server import HttpServer

__all__ = ["HttpServer"]
