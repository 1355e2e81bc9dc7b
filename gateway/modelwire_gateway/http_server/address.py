"""Where a server listens: `HOST:PORT`, `[IPV6]:PORT` or `unix:PATH`, as written and as really bound."""

import asyncio
import errno
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final

BACKLOG: Final = 2048
"""How many connections may wait to be accepted; the kernel resets some of a burst of more."""


@dataclass(frozen=True, slots=True)
class TcpAddress:
    """An empty host means every interface, port 0 any free port."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class UnixAddress:
    path: str


def parse_address(text: str) -> TcpAddress | UnixAddress:
    """Raises ValueError where `text` is no address."""
    if text.startswith("unix:") and len(text) > len("unix:"):
        return UnixAddress(text.removeprefix("unix:"))
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535 or (":" in host and not bracketed):
        raise ValueError(f"{text!r} is not HOST:PORT, [IPV6]:PORT or unix:PATH")
    return TcpAddress(host[1:-1] if bracketed else host, int(port))


async def listen(address: TcpAddress | UnixAddress, *, reuse_port: bool = False) -> socket.socket:
    """A listening socket; with `reuse_port`, others of the same user may listen there that have it, too.

    Raises OSError, which names the address, where it is taken or cannot be had.
    """
    try:
        if isinstance(address, UnixAddress):
            _remove_if_abandoned(address.path)
            return _listening(socket.AF_UNIX, 0, address.path)
        return await _listening_on_host(address, reuse_port)
    except OSError as error:
        told = type(error)(f"cannot listen on {_written(address)}: {error.strerror or error}")
        told.errno = error.errno
        raise told from None
    except UnicodeError:  # from the codec that makes host names ASCII
        raise OSError(f"cannot listen on {_written(address)}: that is no host name") from None


def bound_address(listener: socket.socket) -> str:
    """Where `listener` really listens, in the form `parse_address` reads."""
    name = listener.getsockname()
    if listener.family == socket.AF_UNIX:
        return f"unix:{name}"
    host = f"[{name[0]}]" if listener.family == socket.AF_INET6 else name[0]
    return f"{host}:{name[1]}"


def _written(address: TcpAddress | UnixAddress) -> str:
    if isinstance(address, UnixAddress):
        return f"unix:{address.path}"
    return f"[{address.host}]:{address.port}" if ":" in address.host else f"{address.host}:{address.port}"


async def _listening_on_host(address: TcpAddress, reuse_port: bool) -> socket.socket:
    found = await asyncio.get_running_loop().getaddrinfo(
        address.host or None, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    # A name such as localhost may mean several addresses: the IPv4 one is what clients try without being told.
    family, _, proto, _, place = min(found, key=lambda info: info[0] != socket.AF_INET)
    return _listening(family, proto, place, reuse_port)


def _listening(family: int, proto: int, place: object, reuse_port: bool = False) -> socket.socket:
    # asyncio sets TCP_NODELAY only on connections of a listener that was made with the protocol's number.
    listener = socket.socket(family, socket.SOCK_STREAM, proto)
    try:
        listener.setblocking(False)
        if family != socket.AF_UNIX:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(place)  # type: ignore[arg-type]
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def _remove_if_abandoned(path: str) -> None:
    """Removes a socket file nobody listens on. Any other file stays, and binding to its path fails."""
    if not Path(path).is_socket():
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        if probe.connect_ex(path) == errno.ECONNREFUSED:
            Path(path).unlink(missing_ok=True)
