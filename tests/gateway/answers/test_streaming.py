import json

import pytest
from google.api import httpbody_pb2
from google.protobuf import descriptor_pool
from google.rpc import status_pb2
from modelwire_gateway.answers.streaming import (
    Framing,
    error_writer,
    http_body_framing,
    preferred_framing,
    stream_framings,
    stream_type,
    unary_framing,
)
from modelwire_gateway.backends.base import Response, wire_of
from modelwire_gateway.content_types import EVENT_STREAM, JSON, NDJSON
from modelwire_gateway.errors import RpcFailure, detail_json, failure
from modelwire_gateway.json_codec import Codecs

ERROR_JSON = error_writer("openai", detail_json(Codecs(), [descriptor_pool.Default()]))


def as_it_is(response: Response) -> bytes:
    return wire_of(response)


def stream_framing(accept: str, alt: str | None) -> Framing:
    return stream_framings(as_it_is, ERROR_JSON)[stream_type(accept, alt)]


def content_type(framing: Framing) -> str:
    return dict(framing.headers)[b"content-type"].decode()


def whole(framing: Framing, *messages: bytes) -> bytes:
    return framing.before + framing.between.join(map(framing.render, messages)) + framing.after


@pytest.mark.parametrize(
    ("accept", "preferred"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("application/json", JSON),
        ("text/event-stream", EVENT_STREAM),
        ("Text/Event-Stream; charset=utf-8", EVENT_STREAM),
        ("application/x-ndjson", NDJSON),
        ("text/event-stream, */*", EVENT_STREAM),
        ("application/json, text/event-stream", EVENT_STREAM),
        ("application/json, application/x-ndjson", NDJSON),
        ("application/json, text/event-stream;q=0.5", JSON),
        ("application/json;q=0.1, text/event-stream;q=0.5, application/x-ndjson;q=0.7", NDJSON),
        ("text/event-stream;q=0", JSON),
        ("text/event-streams", JSON),
        ("text/html, application/xml;q=0.9", JSON),
    ],
)
def test_the_accept_header_chooses(accept: str, preferred: str) -> None:
    assert preferred_framing(accept) == preferred
    assert content_type(stream_framing(accept, None)) == preferred


@pytest.mark.parametrize(("alt", "chosen"), [("sse", EVENT_STREAM), ("json", JSON)])
@pytest.mark.parametrize("accept", ["", "text/event-stream", "application/x-ndjson"])
def test_alt_goes_before_the_accept_header(alt: str, chosen: str, accept: str) -> None:
    assert content_type(stream_framing(accept, alt)) == chosen


@pytest.mark.parametrize(
    ("accept", "none", "two"),
    [
        (JSON, b"[]", b"[1,2]"),
        (NDJSON, b"", b"1\n2\n"),
        (EVENT_STREAM, b"", b"data: 1\n\ndata: 2\n\n"),
    ],
)
def test_messages_in_each_framing(accept: str, none: bytes, two: bytes) -> None:
    framing = stream_framing(accept, None)
    assert (whole(framing), whole(framing, b"1", b"2")) == (none, two)


def test_only_events_ask_not_to_be_buffered() -> None:
    assert dict(stream_framing(EVENT_STREAM, None).headers) == {
        b"content-type": b"text/event-stream",
        b"cache-control": b"no-cache",
        b"x-accel-buffering": b"no",
    }
    assert dict(stream_framing(NDJSON, None).headers) == {b"content-type": b"application/x-ndjson"}
    assert dict(unary_framing(as_it_is).headers) == {b"content-type": b"application/json"}


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("text/html", "text/html"),
        ("", "application/octet-stream"),
        ("text/plain\r\nset-cookie: a", "application/octet-stream"),
        ("text/\u20ac", "application/octet-stream"),
    ],
)
def test_the_content_type_of_an_http_body(given: str, shown: str) -> None:
    assert content_type(raw(given)) == shown


def raw(given: str) -> Framing:
    return http_body_framing(given, httpbody_pb2.HttpBody.FromString, ERROR_JSON)


@pytest.mark.parametrize("given", ["text/event-stream", "text/event-stream; charset=utf-8", "Text/Event-Stream"])
def test_events_in_an_http_body_are_events(given: str) -> None:
    framing = raw(given)
    assert content_type(framing) == given
    assert (b"cache-control", b"no-cache") in framing.headers
    assert framing.late_error is not None


@pytest.mark.parametrize("framing", [raw("text/plain"), raw(""), stream_framing(JSON, None)])
def test_raw_bodies_and_arrays_cannot_tell_of_a_late_error(framing: Framing) -> None:
    assert framing.late_error is None


@pytest.mark.parametrize(
    ("last", "gap"),
    [(b"data: 1\n\n", b""), (b"data: 1\r\n\r\n", b""), (b"", b""), (b"data: 1\n", b"\n\n"), (b"dat", b"\n\n")],
)
def test_a_late_error_is_an_event_of_its_own(last: bytes, gap: bytes) -> None:
    event = late_error(raw(EVENT_STREAM), failure("ABORTED", "line one\nline two"), last)
    assert event.startswith(gap + b"data: {")
    assert event.endswith(b"}\n\n")
    assert json.loads(event.strip().removeprefix(b"data: "))["error"]["status"] == "ABORTED"


def test_a_late_error_is_a_line() -> None:
    error = RpcFailure(status_pb2.Status(code=10, message="line one\nline two"))
    line = late_error(stream_framing(NDJSON, None), error, b"{}\n")
    assert line.count(b"\n") == 1
    assert json.loads(line)["error"]["message"] == "line one\nline two"


def late_error(framing: Framing, error: RpcFailure, last: bytes) -> bytes:
    assert framing.late_error is not None
    return framing.late_error(error, last)
