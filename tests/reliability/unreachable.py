"""The table of upstreams to which there is no way."""

import socket
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from reliability.plays import stalls
from reliability.rows import ALL, BROKE, ONE_ATTEMPT, QUICK, UNARY, spent, unavailable
from support.callers import Failure, Kind
from support.certificates import LOOPBACK, Authority, Pair
from support.loopback import Peer, listening

ELSEWHERE = ("llm.example.net",)
NOT_REACHED = "the upstream was not reached: "
TLS_FAILED = f"{NOT_REACHED}the TLS handshake failed"

Way = Callable[[Path], AbstractAsyncContextManager[Mapping[str, object]]]
"""What is there in the place of an upstream, and the settings that lead there."""


@dataclass(frozen=True)
class Unreachable:
    """`told` is the failure that callers see, after all attempts there are."""

    fault: str
    way: Way
    told: Failure
    kinds: Sequence[Kind] = UNARY
    settings: Mapping[str, object] = field(default_factory=dict)


@asynccontextmanager
async def nobody(_: Path) -> AsyncIterator[Mapping[str, object]]:
    """A port at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield {"base_url": f"http://127.0.0.1:{taken.getsockname()[1]}"}


@asynccontextmanager
async def no_such_host(_: Path) -> AsyncIterator[Mapping[str, object]]:
    yield {"base_url": "http://nowhere.invalid:80"}


@asynccontextmanager
async def no_room(_: Path) -> AsyncIterator[Mapping[str, object]]:
    async with no_room_at(0) as port:
        yield {"base_url": f"http://127.0.0.1:{port}"}


@asynccontextmanager
async def no_room_at(port: int) -> AsyncIterator[int]:
    """A port whose queue of connections is full, so that no further one is ever made."""
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(0)
        for waiting in (first, second):
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def secured(hosts: tuple[str, ...] = LOOPBACK, *, trusted: bool = False, days: int = 7) -> Way:
    """A server over TLS."""

    @asynccontextmanager
    async def way(directory: Path) -> AsyncIterator[Mapping[str, object]]:
        authority = Authority()
        trust: Mapping[str, object] = {"ca_file": authority.written(directory)} if trusted else {}
        tls = context(authority.issue(hosts, days=days), directory)
        async with listening(stalls, tls=tls) as server:
            yield {"base_url": server.url, **trust}

    return way


@asynccontextmanager
async def self_signed(directory: Path) -> AsyncIterator[Mapping[str, object]]:
    async with listening(stalls, tls=context(Authority().itself(), directory)) as server:
        yield {"base_url": server.url}


@asynccontextmanager
async def plain_text_expected(directory: Path) -> AsyncIterator[Mapping[str, object]]:
    """A server over TLS, asked for in plain text."""
    async with listening(stalls, tls=context(Authority().issue(), directory)) as server:
        yield {"base_url": server.url.replace("https", "http")}


def answering_a_handshake(data: bytes, *, then_stalls: bool = False) -> Way:
    """A server that answers whoever comes for TLS with something else."""

    async def play(peer: Peer) -> None:
        await peer.reader.read(65_536)
        await peer.write(data)
        if then_stalls:
            await peer.gone()

    @asynccontextmanager
    async def way(_: Path) -> AsyncIterator[Mapping[str, object]]:
        async with listening(play) as server:
            yield {"base_url": server.url.replace("http", "https")}

    return way


def context(pair: Pair, directory: Path) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(*pair.written(directory))
    return made


def not_reached(why: str) -> Failure:
    return spent(unavailable(NOT_REACHED + why))


TABLE = [
    Unreachable("nobody listens", nobody, not_reached("Connection refused"), ALL),
    Unreachable("its name is not known", no_such_host, not_reached("its host name is not known"), ALL),
    Unreachable(
        "it takes no connection",
        no_room,
        unavailable(f"{NOT_REACHED}no connection within 0.2 s"),
        settings={**QUICK, **ONE_ATTEMPT},
    ),
    Unreachable(
        "its certificate is its own",
        self_signed,
        not_reached("the TLS handshake failed: its certificate is self-signed"),
    ),
    Unreachable(
        "its certificate is from somebody unknown",
        secured(),
        not_reached("the TLS handshake failed: its certificate is from an authority that is not trusted"),
    ),
    Unreachable(
        "its certificate is another host's",
        secured(ELSEWHERE, trusted=True),
        not_reached("the TLS handshake failed: its certificate is for another host"),
    ),
    Unreachable(
        "its certificate has expired",
        secured(days=-1, trusted=True),
        not_reached("the TLS handshake failed: its certificate has expired"),
    ),
    Unreachable(
        "it does not speak TLS",
        answering_a_handshake(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        not_reached("the TLS handshake failed: it does not speak TLS"),
    ),
    Unreachable("it closes in the handshake", answering_a_handshake(b""), not_reached("")),
    Unreachable(
        "it stalls in the handshake",
        answering_a_handshake(b"", then_stalls=True),
        unavailable(f"{NOT_REACHED}no connection within 0.2 s"),
        settings={**QUICK, **ONE_ATTEMPT},
    ),
    Unreachable("it speaks TLS", plain_text_expected, BROKE),
]
