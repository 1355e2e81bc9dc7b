"""The addresses of a server with several workers, held by their supervisor as long as it lives.

Theory of operation. Workers listen on one port by SO_REUSEPORT, which the kernel lets every process of this user do:
a second server would get half of the connections. So the supervisor binds the port first, without that option, which
fails where anybody listens. The socket that is bound never listens, and gets no connection. Then its options are
turned round: with SO_REUSEPORT the workers may join in; without SO_REUSEADDR nobody can bind the port who did not ask
for SO_REUSEPORT, another supervisor included. It stays bound while workers come and go, so that port 0 is one port for
all of them.

A socket file cannot be shared that way. The supervisor listens on it, and its workers take turns at one socket.
"""

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from modelwire_service.settings import Settings

_TRIES: Final = 8
_UNIX: Final = "unix:"


@dataclass(frozen=True, slots=True)
class Held:
    """An address as written, but for its port, and as really bound. `listener` is what workers share, if they do."""

    address: str
    bound: str
    sockets: Sequence[socket.socket]
    listener: socket.socket | None = None

    def let_go(self) -> None:
        for each in self.sockets:
            each.close()
        if self.listener is not None:
            Path(self.bound.removeprefix(_UNIX)).unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class HeldAddresses:
    """Those of both doors; of gRPC's alone if HTTP has none."""

    grpc: Held
    http: Held | None

    def let_go(self) -> None:
        self.grpc.let_go()
        if self.http is not None:
            self.http.let_go()


async def hold(settings: Settings) -> HeldAddresses:
    """Raises OSError, which names the address, where one is taken or cannot be had."""
    grpc = _held_port(settings.grpc_address, everywhere=True)
    try:
        return HeldAddresses(grpc, None if settings.no_http else await _held_http(settings.http_address))
    except BaseException:
        grpc.let_go()
        raise


async def _held_http(address: str) -> Held:
    if not address.startswith(_UNIX):
        return _held_port(address, everywhere=False)
    # Imported here: few have a socket file, and the doors' modules are the workers' business.
    from modelwire_gateway.http_server.address import listen, parse_address

    listener = await listen(parse_address(address))
    return Held(address, address, [listener], listener)


def _held_port(address: str, *, everywhere: bool) -> Held:
    """Where a name has several addresses gRPC listens on all of them, HTTP on one, IPv4's if there is one."""
    host, _, port = address.rpartition(":")
    try:
        found = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        found.sort(key=lambda info: info[0] != socket.AF_INET)
        sockets = _bound_to_all([(info[0], info[4]) for info in (found if everywhere else found[:1])], int(port))
    except OSError as error:
        told = type(error)(f"cannot listen on {address}: {error.strerror or error}")
        told.errno = error.errno
        raise told from None
    name = sockets[0].getsockname()
    written = f"[{name[0]}]" if sockets[0].family == socket.AF_INET6 else name[0]
    return Held(f"{host}:{name[1]}", f"{host if everywhere else written}:{name[1]}", sockets)


def _bound_to_all(places: Sequence[tuple[int, tuple[object, ...]]], port: int) -> list[socket.socket]:
    """A socket for each place, all with one port; where any will do, one that is free at all of them."""
    for tries_left in reversed(range(_TRIES)):
        sockets: list[socket.socket] = []
        try:
            for family, place in places:
                chosen = sockets[0].getsockname()[1] if sockets else port
                sockets.append(_bound(family, (place[0], chosen, *place[2:])))
        except OSError:
            for each in sockets:
                each.close()
            if port or not tries_left:
                raise
        else:
            return sockets
    raise AssertionError("the last try neither failed nor succeeded")


def _bound(family: int, place: tuple[object, ...]) -> socket.socket:
    held = socket.socket(family, socket.SOCK_STREAM)
    try:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections of a server before are no hindrance
        held.bind(place)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    except BaseException:
        held.close()
        raise
    return held
