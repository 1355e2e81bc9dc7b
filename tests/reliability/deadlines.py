"""The table of calls whose time is over before the upstream has answered."""

from collections.abc import Mapping, Sequence

from reliability.plays import as_bytes, events, first, says, sends, stalls
from reliability.refusals import AWAY, SORRY, error
from reliability.rows import BOTH, CHAT, STREAM, UNARY, Row, down, overdue, spent
from support.faulty_upstream import answers
from support.loopback import Peer

SOON = 0.2
"""Seconds until deadlines."""
LATER = 0.6
"""Seconds until those before which something has to come, on a busy machine too."""
READ_TIMEOUT: Mapping[str, str] = {"x-stainless-read-timeout": str(SOON)}
LATER_TIMEOUT: Mapping[str, str] = {"x-stainless-read-timeout": str(LATER)}
OURS = spent(overdue("the call was not answered in its time"))
HELLO: Sequence[str] = ("Hel",)


async def answers_when_nobody_waits(peer: Peer) -> None:
    """Answers rightly, but not before the connection has been closed."""
    request = await peer.request()
    await peer.gone()
    await answers(peer, request)


async def sends_comments_for_ever(peer: Peer) -> None:
    request = await peer.request()
    await peer.write(as_bytes(events(), request))
    while not await peer.gone_within(0.05):
        await peer.write(b": still there\n\n")


GIVEN_BY_THE_CALLER = [
    Row("says nothing", sends(then=stalls), overdue(), CHAT, BOTH, deadline=SOON, in_any_words=True),
    Row("answers too late", answers_when_nobody_waits, overdue(), UNARY, deadline=SOON, in_any_words=True),
    Row(
        "stalls in the middle",
        sends(events(), then=stalls),
        overdue(),
        STREAM,
        texts=("Hel",),
        deadline=LATER,
        in_any_words=True,
    ),
    Row(
        "sends comments for ever",
        sends_comments_for_ever,
        overdue(),
        STREAM,
        texts=("Hel",),
        deadline=LATER,
        in_any_words=True,
    ),
    Row(
        "stalls at the second attempt",
        first(says(AWAY, error()), sends(then=stalls)),
        overdue(),
        UNARY,
        requests=2,
        deadline=LATER,
        in_any_words=True,
    ),
]
"""As gRPC's deadline, and as `Grpc-Timeout`."""

GIVEN_BY_THE_CLIENTS_LIBRARY = [
    Row("says nothing", sends(then=stalls), OURS, CHAT, headers=READ_TIMEOUT),
    Row("answers too late", answers_when_nobody_waits, OURS, UNARY, headers=READ_TIMEOUT),
    Row("stalls in the middle", sends(events(), then=stalls), OURS, STREAM, texts=("Hel",), headers=LATER_TIMEOUT),
    Row(
        "stalls at the second attempt",
        first(says(AWAY, error()), sends(then=stalls)),
        OURS,
        UNARY,
        requests=2,
        headers=LATER_TIMEOUT,
    ),
    Row("says nothing, to JavaScript", sends(then=stalls), OURS, UNARY, headers={"x-stainless-timeout": "0"}),
    Row(
        "is to be asked again too late",
        says(AWAY, error(), "retry-after: 5"),
        down(SORRY, 5.0),
        UNARY,
        headers=READ_TIMEOUT,
    ),
]
"""As `x-stainless-read-timeout`, which bounds the wait for anything to come, and `x-stainless-timeout`, for which
JavaScript's library rounds seconds down."""

GIVEN_BY_THE_SERVER = [
    Row("says nothing", sends(then=stalls), OURS, CHAT, BOTH),
    Row("answers too late", answers_when_nobody_waits, OURS, UNARY),
    Row("stalls in the head of a stream", sends(events(first=False), then=stalls), OURS, STREAM),
    Row("is to be asked again too late", says(AWAY, error(), "retry-after: 5"), down(SORRY, 5.0), UNARY),
]
"""As `default_deadline`, where the caller says nothing."""
