"""Which names a server answers to.

A page of anybody's can make its own name resolve to this machine (DNS rebinding): its browser then takes a server
here for that page's own, and lets the page read it. What such a request cannot have is one of our names in Host.
"""

import ipaddress
import re
from collections.abc import Awaitable, Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from modelwire_gateway.asgi import App, refuse
from modelwire_gateway.errors import failure
from modelwire_gateway.exchange import Receive, Scope, Send

_PORT: Final = re.compile(r":[0-9]*$")
_REMEMBERED: Final = 256


@dataclass(frozen=True, slots=True)
class HostPolicy:
    """The hosts a server answers to, beside the names of this machine's loopback.

    `names` are in lower case; `*.example.com` is every name below. With `addresses`, whatever IP address a client
    dialled: no page can have one for its name.
    """

    names: Collection[str] = ()
    addresses: bool = False


class AllowedHosts:
    """An ASGI app that hands requests for the hosts of `policy` to `app`; others are 421 (RFC 9110, 15.5.20)."""

    def __init__(self, app: App, policy: HostPolicy) -> None:
        self._app = app
        self._names = frozenset(policy.names)
        self._addresses = policy.addresses
        self._knows = lru_cache(_REMEMBERED)(self._is_known)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != "http" or self._knows(_host(scope)):
            return self._app(scope, receive, send)
        told = "this server does not answer to the host of the request; who runs it can allow that name"
        return refuse(send, failure("PERMISSION_DENIED", told, reason="HOST_NOT_ALLOWED", http_status=421))

    def _is_known(self, host: bytes) -> bool:
        name = _PORT.sub("", host.decode("latin-1").lower()).removesuffix(".")
        try:
            address = ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
        except ValueError:
            return name == "localhost" or name.endswith(".localhost") or self._is_named(name)
        return self._addresses or address.is_loopback or name in self._names

    def _is_named(self, name: str) -> bool:
        return name in self._names or f"*.{name.partition('.')[2]}" in self._names


def _host(scope: Scope) -> bytes:
    return next((value for name, value in scope["headers"] if name == b"host"), b"")
