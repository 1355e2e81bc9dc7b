"""The table of moments at which callers leave: what the upstream does, and how it is known that the moment has come."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from reliability.plays import Data, events, half_the_body, head, says, sends, stalls
from reliability.refusals import AWAY, error
from reliability.rows import ALL, BOTH, STREAM, UNARY, WHOLE
from support.callers import Begun, Kind
from support.loopback import Peer, Script


@dataclass(frozen=True, slots=True)
class Scene:
    """A call under way. `reached` is set when the upstream begins to wait, `waits_to_try_again` with a back-off."""

    begun: Begun
    reached: asyncio.Event
    waits_to_try_again: asyncio.Event


Moment = Callable[[Scene], Awaitable[object]]
"""Waits until it has come."""


@dataclass(frozen=True)
class Leaving:
    """`play` makes the upstream's script, which sets an event where it begins to wait.

    `requests` is how often the upstream has been asked in the end, the next call left out; None if chance decides.
    """

    when: str
    play: Callable[[asyncio.Event], Script]
    moment: Moment
    kinds: Sequence[Kind] = ALL
    upstreams: Sequence[str] = ("openai",)
    settings: Mapping[str, object] = field(default_factory=dict)
    requests: int | None = 1
    uploads: bool = False


def waiting_after(*data: Data) -> Callable[[asyncio.Event], Script]:
    """The upstream sends something, and waits for ever."""

    def play(reached: asyncio.Event) -> Script:
        async def wait(peer: Peer) -> None:
            reached.set()
            await stalls(peer)

        return sends(*data, then=wait)

    return play


def playing(script: Script) -> Callable[[asyncio.Event], Script]:
    return lambda _: script


async def the_upstream_waits(scene: Scene) -> None:
    await scene.reached.wait()


async def a_text_has_come(scene: Scene) -> None:
    assert await scene.begun.text() == "Hel"


async def it_waits_to_try_again(scene: Scene) -> None:
    await scene.waits_to_try_again.wait()


async def at_once(_: Scene) -> None:
    pass


HEAD = head("HTTP/1.1 200 OK", "content-type: application/json", "content-length: 99")

TABLE = [
    Leaving("as soon as the call is sent", waiting_after(), at_once, ALL, requests=None),
    Leaving("before the first byte", waiting_after(), the_upstream_waits, ALL, BOTH),
    Leaving("in the middle of the head", waiting_after(HEAD[:-20]), the_upstream_waits, UNARY),
    Leaving("after the head", waiting_after(HEAD), the_upstream_waits, ALL),
    Leaving("after the head of a stream", waiting_after(events(first=False)), the_upstream_waits, STREAM),
    Leaving("in the middle of an answer", waiting_after(half_the_body), the_upstream_waits, WHOLE, BOTH),
    Leaving("in the middle of a stream", waiting_after(events()), a_text_has_come, STREAM, BOTH),
    Leaving("in the middle of an event", waiting_after(events(b'data: {"ch')), a_text_has_come, STREAM),
    Leaving(
        "in the middle of an error",
        waiting_after(b"HTTP/1.1 500 Oh\r\ncontent-length: 9\r\n\r\n"),
        the_upstream_waits,
        UNARY,
    ),
    Leaving("before the next attempt", playing(says(AWAY, error(), "retry-after: 9")), it_waits_to_try_again, ALL),
    Leaving("before the request was sent", waiting_after(), at_once, UNARY, requests=0, uploads=True),
]
