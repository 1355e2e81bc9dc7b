"""The table of two upstreams that serve one model, of which the first has a fault.

The second has none of weight, so that the first is always asked first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reliability.plays import events, head, ok, resets, says, sends, stalls
from reliability.refusals import AWAY, INVALID, NOT_FOUND, SORRY, TOO_MANY, error
from reliability.rows import ALL, BROKE, CHAT, NO_JSON, QUICK, SILENT, STREAM, UNARY, busy, down, spent, unavailable
from support.callers import Failure, Kind
from support.faulty_upstream import works
from support.loopback import Script


@dataclass(frozen=True)
class Route:
    """What each upstream does, None where nobody listens; `requests` is how often each was asked.

    `told` is the failure seen, None for the right answer, which is the second's.
    """

    fault: str
    first: Script | None
    second: Script | None
    told: Failure | None
    requests: tuple[int, int]
    kinds: Sequence[Kind] = CHAT
    texts: tuple[str, ...] = ()
    settings: Mapping[str, object] = field(default_factory=dict)


REFUSED = unavailable("the upstream was not reached: Connection refused")
AWAY_FOR_LONG = says(AWAY, error(), "retry-after: 60")

TABLE = [
    Route("the first refuses connections", None, works, None, (0, 1), ALL),
    Route("the first answers 503 for ever", says(AWAY, error()), works, None, (3, 1), ALL),
    Route("the first answers 502 for ever", says("502 Bad Gateway", error()), works, None, (3, 1), UNARY),
    Route("the first answers 429 for ever", says(TOO_MANY, error()), works, None, (3, 1)),
    Route("the first is to be asked again in 60 s", AWAY_FOR_LONG, works, None, (1, 1)),
    Route(
        "the first streams an error of 503",
        sends(events(b"data: %b\n\n" % error(code=503), first=False)),
        works,
        None,
        (3, 1),
        STREAM,
    ),
    Route("the first answers 400", says("400 Bad Request", error()), works, INVALID, (1, 0)),
    Route("the first answers 404", says("404 Not Found", error()), works, NOT_FOUND, (1, 0), UNARY),
    Route("the first answers 500", says("500 Oh", error()), works, down(SORRY), (1, 0)),
    Route("the first resets", sends(then=resets), works, BROKE, (1, 0)),
    Route("the first says nothing", sends(then=stalls), works, SILENT, (1, 0), UNARY, settings=QUICK),
    Route("the first sends garbage", sends(ok(b"{")), works, NO_JSON, (1, 0)),
    Route("the first breaks off", sends(events(), then=resets), works, BROKE, (1, 0), STREAM, ("Hel",)),
    Route("both refuse connections", None, None, spent(REFUSED), (0, 0)),
    Route("both answer 503", says(AWAY, error()), says(AWAY, error("Me too.")), spent(down("Me too.")), (3, 3)),
    Route(
        "both are to be asked again",
        AWAY_FOR_LONG,
        says(TOO_MANY, error(), "retry-after: 30"),
        spent(busy(SORRY, 30.0)),
        (1, 1),
    ),
    Route("the second refuses connections", says(AWAY, error()), None, spent(REFUSED), (3, 0), UNARY),
    Route(
        "the second answers 400",
        AWAY_FOR_LONG,
        says("400 Bad Request", error("What?")),
        spent(down(SORRY, 60.0)),
        (1, 1),
        UNARY,
    ),
    Route(
        "the second answers 404",
        AWAY_FOR_LONG,
        says("404 Not Found", error("Who?")),
        spent(down(SORRY, 60.0)),
        (1, 1),
        UNARY,
    ),
    Route("the second answers 500", AWAY_FOR_LONG, says("500 Oh", error("Oh.")), down("Oh."), (1, 1), UNARY),
    Route("the second sends garbage", AWAY_FOR_LONG, sends(ok(b"{")), NO_JSON, (1, 1), UNARY),
    Route("the second resets", AWAY_FOR_LONG, sends(head("HTTP/1.1 200 OK"), then=resets), BROKE, (1, 1), UNARY),
    Route("the second breaks off", AWAY_FOR_LONG, sends(events(), then=resets), BROKE, (1, 1), STREAM, ("Hel",)),
]
