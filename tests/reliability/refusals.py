"""The table of upstreams that answer with an error of their own, once, for a while or for ever."""

from typing import Any

import orjson
from reliability.plays import closes, events, first, head, http, ok, resets, says, sends, stalls
from reliability.rig import KEY
from reliability.rows import (
    ALL,
    BOTH,
    BROKE,
    NO_JSON,
    ONE_ATTEMPT,
    QUICK,
    STREAM,
    UNARY,
    WHOLE,
    Row,
    busy,
    down,
    refused,
    spent,
)

SORRY = "The model is tired."
IN_2200 = "Wed, 01 Jan 2200 00:00:00 GMT"
LONG_AGO = "Thu, 01 Jan 2015 00:00:00 GMT"
DAY = 86_400.0


def error(message: str = SORRY, **more: Any) -> bytes:
    """An error as both kinds of upstreams write it."""
    return orjson.dumps({"error": {"message": message, **more}})


def retry_info(delay: str) -> bytes:
    """One that says when to try again, as Gemini does."""
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}]
    return error(code=429, status="RESOURCE_EXHAUSTED", details=details)


INVALID = refused("INVALID_ARGUMENT", 400, "invalid_request_error", SORRY)
NOT_FOUND = refused("NOT_FOUND", 404, "invalid_request_error", SORRY)
NO_KEY = refused("UNAUTHENTICATED", 401, "authentication_error", SORRY)
NOT_LET = refused("PERMISSION_DENIED", 403, "permission_error", SORRY)
LATE = refused("DEADLINE_EXCEEDED", 504, "timeout_error", SORRY)
IN_CONFLICT = refused("ABORTED", 409, "conflict_error", SORRY)
NOT_MADE = refused("UNIMPLEMENTED", 501, "server_error", SORRY)
HTML = "content-type: text/html"
SOMETHING_WENT_WRONG = b"<html><h1>nginx at 127.0.0.1</h1></html>"

ONCE_AND_FOR_ALL = [
    Row("answers 400", says("400 Bad Request", error()), INVALID, kinds=ALL, upstreams=BOTH),
    Row("answers 401", says("401 Unauthorized", error()), NO_KEY, upstreams=BOTH),
    Row(
        "answers 401 and shows the key",
        says("401 Unauthorized", error(f"{SORRY} Your key {KEY} is none.")),
        NO_KEY,
        upstreams=BOTH,
    ),
    Row("answers 403", says("403 Forbidden", error()), NOT_LET, UNARY),
    Row("answers 404", says("404 Not Found", error()), NOT_FOUND, UNARY),
    Row("answers 408", says("408 Request Timeout", error()), LATE, UNARY),
    Row("answers 409", says("409 Conflict", error()), IN_CONFLICT, UNARY),
    Row("answers 413", says("413 Content Too Large", error()), INVALID, UNARY),
    Row("answers 422", says("422 Unprocessable Content", error()), INVALID, UNARY),
    Row("answers 500", says("500 Internal Server Error", error()), down(SORRY), upstreams=BOTH),
    Row("answers 500 and closes", says("500 Internal Server Error"), down("upstream answered 500"), UNARY),
    Row("answers 501", says("501 Not Implemented", error()), NOT_MADE, UNARY),
    Row("answers 529", says("529 Overloaded", error()), down(SORRY), UNARY),
    Row(
        "answers 500 with a page",
        says("500 Internal Server Error", SOMETHING_WENT_WRONG, HTML),
        down("upstream answered 500"),
    ),
    Row(
        "answers 500 and names itself",
        lambda peer: says("500 Oh", error(f"{SORRY} http://{_address(peer)}/v1 is down"))(peer),
        down(SORRY),
        upstreams=BOTH,
    ),
    Row(
        "answers 500 and half of the error",
        sends(http("500 Internal Server Error", error())[:-9]),
        down("upstream answered 500"),
    ),
    Row(
        "answers 400 and resets",
        sends(head("HTTP/1.1 400 Bad Request", "content-length: 99"), then=resets),
        refused("INVALID_ARGUMENT", 400, "invalid_request_error", "upstream answered 400"),
    ),
    Row(
        "answers 500 and stalls",
        sends(head("HTTP/1.1 500 Oh", "content-length: 99"), then=stalls),
        down("upstream answered 500"),
        settings=QUICK,
    ),
    Row(
        "answers 400 and a novel",
        says("400 Bad Request", error("x" * 100_000)),
        refused("INVALID_ARGUMENT", 400, "invalid_request_error", "upstream answered 400"),
    ),
    Row(
        "sends callers elsewhere",
        says("307 Temporary Redirect", b"", "location: http://127.0.0.1:1/other"),
        down("upstream answered 307"),
        upstreams=BOTH,
    ),
    Row(
        "says that nothing has changed", sends(head("HTTP/1.1 304 Not Modified")), down("upstream answered 304"), UNARY
    ),
]

IN_A_SUCCESS = [
    Row("says 200 and an error of 400", sends(ok(error(code=400))), INVALID, kinds=ALL, upstreams=BOTH),
    Row("says 200 and an error of 500", sends(ok(error(code=500))), down(SORRY), upstreams=BOTH),
    Row("says 200 and an error of nothing", sends(ok(error())), down(SORRY), upstreams=BOTH),
    Row("says 200 and an error in a list", sends(ok(b"[" + error(code=400) + b"]")), INVALID, upstreams=BOTH),
    Row("says 200 and a text for an error", sends(ok(b'{"error": "%b"}' % SORRY.encode())), down(SORRY)),
    Row(
        "says 200 and the Status of an error",
        sends(ok(error(status="NOT_FOUND"))),
        NOT_FOUND,
        WHOLE,
        ("gemini",),
    ),
    Row(
        "streams an error at once",
        sends(events(b"data: %b\n\n" % error(code=400), first=False)),
        INVALID,
        STREAM,
        BOTH,
    ),
    Row(
        "streams an event named error at once",
        sends(events(b"event: error\ndata: %b\n\n" % error(code=500), first=False)),
        down(SORRY),
        STREAM,
        BOTH,
    ),
    Row(
        "streams an error in the middle",
        sends(events(b"data: %b\n\n" % error(code=500))),
        down(SORRY),
        STREAM,
        BOTH,
        ("Hel",),
    ),
    Row(
        "streams an event named error in the middle",
        sends(events(b"event: error\ndata: %b\n\n" % error(code=429))),
        busy(SORRY),
        STREAM,
        BOTH,
        ("Hel",),
    ),
    Row(
        "streams an error of 503 in the middle",
        sends(events(b"data: %b\n\n" % error(code=503)), then=resets),
        down(SORRY),
        STREAM,
        BOTH,
        ("Hel",),
    ),
]

TOO_MANY = "429 Too Many Requests"
AWAY = "503 Service Unavailable"


def once(status: str, *headers: str, body: bytes = error()) -> Any:
    """Answers with an error once, and works from then on."""
    return first(says(status, body, *headers))


MENDED = [
    Row("answers 429, then works", once(TOO_MANY), None, kinds=ALL, upstreams=BOTH, requests=2),
    Row("answers 502, then works", once("502 Bad Gateway"), None, upstreams=BOTH, requests=2),
    Row("answers 503, then works", once(AWAY), None, kinds=ALL, upstreams=BOTH, requests=2),
    Row("answers 504, then works", once("504 Gateway Timeout"), None, upstreams=BOTH, requests=2),
    Row("answers 503 and a page, then works", once(AWAY, HTML, body=SOMETHING_WENT_WRONG), None, requests=2),
    Row("answers 503 twice, then works", first(*[says(AWAY, error())] * 2), None, kinds=ALL, requests=3),
    Row("is to be asked again at once", once(TOO_MANY, "retry-after: 0"), None, requests=2),
    Row("is to be asked again in 20 ms", once(TOO_MANY, "retry-after-ms: 20"), None, requests=2),
    Row("may be asked again since long ago", once(AWAY, f"retry-after: {LONG_AGO}"), None, requests=2),
    Row("is to be asked again before now", once(TOO_MANY, "retry-after: -5"), None, requests=2),
    Row("is to be asked again soon", once(TOO_MANY, "retry-after: soon"), None, requests=2),
    Row(
        "is to be asked again in 20 ms, as Gemini tells it",
        once(TOO_MANY, body=retry_info("0.02s")),
        None,
        ALL,
        ("gemini",),
        requests=2,
    ),
    Row(
        "says 200 and an error of 503, then works", first(sends(ok(error(code=503)))), None, upstreams=BOTH, requests=2
    ),
    Row(
        "streams an error of 429, then works",
        first(sends(events(b"data: %b\n\n" % error(code=429), first=False))),
        None,
        STREAM,
        BOTH,
        requests=2,
    ),
]

NEVER_MENDED = [
    Row("answers 429 for ever", says(TOO_MANY, error()), spent(busy(SORRY)), kinds=ALL, upstreams=BOTH, requests=3),
    Row("answers 502 for ever", says("502 Bad Gateway", error()), spent(down(SORRY)), UNARY, requests=3),
    Row("answers 503 for ever", says(AWAY, error()), spent(down(SORRY)), kinds=ALL, upstreams=BOTH, requests=3),
    Row("answers 504 for ever", says("504 Gateway Timeout", error()), spent(LATE), UNARY, requests=3),
    Row("answers 503 to the one attempt there is", says(AWAY, error()), down(SORRY), settings=ONE_ATTEMPT),
    Row("answers 503, then 500", first(says(AWAY, error()), says("500 Oh", error())), down(SORRY), requests=2),
    Row("answers 503, then 400", first(says(AWAY, error()), says("400 Oh", error())), INVALID, requests=2),
    Row("answers 503, then nothing", first(says(AWAY, error()), sends()), BROKE, requests=2),
    Row("answers 503, then closes", first(says(AWAY, error()), closes), BROKE, requests=None),
    Row("answers 503, then half an answer", first(says(AWAY, error()), sends(ok(b'{"x'))), NO_JSON, requests=2),
    Row("is to be asked again in 30 s", says(TOO_MANY, error(), "retry-after: 30"), busy(SORRY, 30.0), upstreams=BOTH),
    Row(
        "is to be asked again in 60 s",
        says(AWAY, error(), "retry-after: 60"),
        down(SORRY, 60.0),
        kinds=ALL,
        upstreams=BOTH,
    ),
    Row("is to be asked again in 30,000 ms", says(TOO_MANY, error(), "retry-after-ms: 30000"), busy(SORRY, 30.0)),
    Row("is to be asked again in 2200", says(AWAY, error(), f"retry-after: {IN_2200}"), down(SORRY, DAY)),
    Row("is to be asked again in a year", says(TOO_MANY, error(), "retry-after: 31536000"), busy(SORRY, DAY)),
    Row(
        "is to be asked again in 30 s, as Gemini tells it",
        says(TOO_MANY, retry_info("30s"), "retry-after: 1"),
        busy(SORRY, 30.0),
        ALL,
        ("gemini",),
    ),
    Row(
        "is to be asked again beyond the deadline",
        says(AWAY, error(), "retry-after: 9"),
        down(SORRY, 9.0),
        deadline=5.0,
    ),
]


def _address(peer: Any) -> str:
    host, port = peer.writer.get_extra_info("sockname")
    return f"{host}:{port}"
