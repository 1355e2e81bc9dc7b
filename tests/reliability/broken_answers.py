"""The table of upstreams that take a request and never answer it right."""

from reliability.plays import (
    OK,
    bytewise,
    chunked,
    closes,
    events,
    garbled,
    garbled_stream,
    half_the_body,
    half_the_json,
    head,
    http,
    kept_alive,
    length_off_by,
    ok,
    resets,
    sends,
    stalls,
    whole,
    zipped_spaces,
)
from reliability.rows import (
    ALL,
    BOTH,
    BROKE,
    BROKE_OFF,
    FELL_SILENT,
    NO_HTTP,
    NO_JSON,
    QUICK,
    SILENT,
    STREAM,
    UNARY,
    WHOLE,
    Row,
    unavailable,
    unreadable,
)
from support.faulty_upstream import EVENTS, JSON, ending, event

HALF_A_HEAD = b"HTTP/1.1 200 OK\r\ncontent-ty"
HEAD_ALONE = head(OK, JSON, "content-length: 1000")
DEEP = b"[" * 200 + b"]" * 200
MIB = 2**20

NO_ANSWER = [
    Row("closes without a word before the request", closes, BROKE, requests=None),
    Row("closes without a word after the request", sends(), BROKE, kinds=ALL, upstreams=BOTH),
    Row("resets before the answer", sends(then=resets), BROKE, kinds=ALL, upstreams=BOTH),
    Row("resets in the head", sends(HALF_A_HEAD, then=resets), BROKE),
    Row("closes in the head", sends(HALF_A_HEAD), BROKE),
    Row("resets after the head", sends(HEAD_ALONE, then=resets), BROKE),
    Row("resets in the body", sends(half_the_body, then=resets), BROKE, WHOLE, BOTH),
    Row("says nothing", sends(then=stalls), SILENT, ALL, settings=QUICK),
    Row("says nothing, as Gemini", sends(then=stalls), SILENT, UNARY, ("gemini",), settings=QUICK),
    Row("stalls in the head", sends(HALF_A_HEAD, then=stalls), SILENT, UNARY, settings=QUICK),
    Row("stalls after the head", sends(HEAD_ALONE, then=stalls), SILENT, UNARY, settings=QUICK),
    Row("stalls after the head of a stream", sends(events(first=False), then=stalls), SILENT, STREAM, settings=QUICK),
    Row("stalls in the body", sends(half_the_body, then=stalls), FELL_SILENT, WHOLE, settings=QUICK),
]

NO_HTTP_ANSWER = [
    Row("answers what is not HTTP", sends(b"220 mail.example.net ESMTP\r\n"), NO_HTTP),
    Row("answers bytes at random", sends(bytes(range(256)) * 8), NO_HTTP),
    Row("answers in HTTP/2", sends(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + bytes(18)), NO_HTTP, UNARY),
    Row("answers in TLS", sends(b"\x15\x03\x03\x00\x02\x02\x46"), NO_HTTP, UNARY),
    Row("has a status that is none", sends(b"HTTP/1.1 abc Fine\r\n\r\n"), NO_HTTP, UNARY),
    Row("has a status of two digits", sends(b"HTTP/1.1 20 OK\r\n\r\n"), NO_HTTP, UNARY),
    Row("has a header without a name", sends(head(OK, ": what", "content-length: 2") + b"{}"), NO_HTTP, UNARY),
    Row("has a header of 100 KB", sends(head(OK, f"x-long: {'x' * 100_000}")), NO_HTTP),
    Row("has headers without end", sends(head(OK)[:-2], b"x-more: 1\r\n" * 100_000), NO_HTTP, UNARY),
    Row("has a length that is no number", sends(head(OK, "content-length: two") + b"{}"), NO_HTTP, UNARY),
    Row("has a chunk whose size is none", sends(head(OK, "transfer-encoding: chunked") + b"zz\r\n{}\r\n"), BROKE),
    Row("garbles a chunk in the middle", sends(garbled), BROKE, WHOLE, BOTH),
    Row(
        "switches to another protocol",
        sends(head("HTTP/1.1 101 Switching Protocols", "connection: upgrade", "upgrade: x"), then=stalls),
        unavailable("upstream answered 101", reason="UPSTREAM_REFUSED"),
    ),
]

WRONG_LENGTH = [
    Row("tells a length too long", sends(length_off_by(7)), BROKE, WHOLE, BOTH),
    Row("tells a length too short", sends(length_off_by(-7)), NO_HTTP, WHOLE, BOTH),
    Row("leaves the last chunk out", sends(chunked(whole, ended=False)), BROKE, WHOLE),
    Row("sends nothing", sends(chunked(ended=True)), NO_JSON, WHOLE),
    Row("sends no content", sends(head("HTTP/1.1 204 No Content", "connection: close")), NO_JSON, WHOLE),
]

NO_RIGHT_ANSWER = [
    Row("sends half of the JSON", sends(half_the_json), NO_JSON, WHOLE, BOTH),
    Row("sends HTML", sends(ok(b"<html>It works!</html>", "content-type: text/html")), NO_JSON, ALL),
    Row("sends invalid UTF-8", sends(ok(b'{"choices": "\xff\xfe"}')), NO_JSON),
    Row("sends JSON with NaN", sends(ok(b'{"choices": NaN}')), NO_JSON, UNARY),
    Row("sends JSON too deep", sends(ok(DEEP)), unreadable("the upstream sent JSON nested more than 100 deep")),
    Row("sends a list", sends(ok(b"[]")), unreadable("the upstream answered JSON that is not an object"), WHOLE, BOTH),
    Row("sends null", sends(ok(b"null")), unreadable("the upstream answered JSON that is not an object"), WHOLE),
    Row("sends no choices", sends(ok(b"{}")), unreadable("the upstream answered no choices"), ("unary", "stream")),
    Row(
        "sends nothing of Gemini's",
        sends(ok(b"{}")),
        unreadable("the upstream answered an object that is no answer of Gemini's"),
        UNARY,
        ("gemini",),
    ),
    Row("sends choices of another shape", sends(ok(b'{"choices": 7}')), unreadable("the upstream"), UNARY),
    Row("sends no vectors", sends(ok(b'{"data": []}')), unreadable("the upstream"), ("embeddings",)),
    Row("sends vectors of another shape", sends(ok(b'{"data": [{}]}')), unreadable("the upstream"), ("embeddings",)),
    Row(
        "sends too few vectors",
        sends(ok(b'{"embeddings": []}')),
        unreadable("the upstream answered 0 embeddings for 1 texts"),
        ("embeddings",),
        ("gemini",),
    ),
    Row(
        "says that it is zipped, and is not",
        sends(ok(b"{}", "content-encoding: gzip")),
        unavailable("the connection to the upstream broke: "),
    ),
    Row(
        "zips more than is taken",
        sends(zipped_spaces(65 * MIB)),
        unreadable(f"the upstream's answer is over {64 * MIB} bytes"),
        UNARY,
    ),
    Row(
        "zips an event of more than is taken",
        sends(zipped_spaces(33 * MIB, b"data: ", EVENTS)),
        unreadable(f"the upstream sent an event of more than {32 * MIB} bytes"),
        STREAM,
    ),
]

NO_RIGHT_STREAM = [
    Row("streams nothing", sends(events(first=False)), BROKE_OFF, STREAM, BOTH),
    Row("streams comments alone", sends(events(b": hello\n\n" * 3, first=False)), BROKE_OFF, STREAM),
    Row(
        "streams [DONE] alone",
        sends(events(b"data: [DONE]\n\n", first=False)),
        unreadable("the upstream answered no choices"),
        STREAM,
    ),
    Row("streams half of the first event", sends(events(b'data: {"ch', first=False)), NO_JSON, STREAM, BOTH),
    Row("streams a first event that is no JSON", sends(events(b"data: {x}\n\n", first=False)), NO_JSON, STREAM, BOTH),
    Row("stops in the middle", sends(events()), BROKE_OFF, STREAM, BOTH, ("Hel",)),
    Row("stops in the middle of an event", sends(events(b'data: {"ch')), NO_JSON, STREAM, BOTH, ("Hel",)),
    Row(
        "stops in the middle of a character",
        sends(events(b'data: {"choices": [{"delta": {"content": "\xc3\n\n')),
        NO_JSON,
        STREAM,
        BOTH,
        ("Hel",),
    ),
    Row("garbles a chunk in the middle", sends(garbled_stream), BROKE, STREAM, BOTH, ("Hel",)),
    Row("resets in the middle", sends(events(), then=resets), BROKE, STREAM, BOTH, ("Hel",)),
    Row("stalls in the middle", sends(events(), then=stalls), FELL_SILENT, STREAM, BOTH, ("Hel",), settings=QUICK),
    Row(
        "stalls in the middle of an event",
        sends(events(b'data: {"ch'), then=stalls),
        FELL_SILENT,
        STREAM,
        texts=("Hel",),
        settings=QUICK,
    ),
    Row(
        "leaves the last chunk out in the middle",
        sends(chunked(lambda request: event(request, "Hel"), ended=False)),
        BROKE,
        STREAM,
        BOTH,
        ("Hel",),
    ),
    Row(
        "sends garbage in the middle",
        sends(events(b"\x00\xff garbage\n\ndata: ?\n\n")),
        NO_JSON,
        STREAM,
        BOTH,
        ("Hel",),
    ),
    Row(
        "sends an event that is no object",
        sends(events(b"data: 7\n\n")),
        unreadable("the upstream"),
        STREAM,
        BOTH,
        ("Hel",),
    ),
    Row(
        "sends an event of more than is taken in the middle",
        sends(zipped_spaces(33 * MIB, lambda request: event(request, "Hel") + b"data: ", EVENTS)),
        unreadable(f"the upstream sent an event of more than {32 * MIB} bytes"),
        STREAM,
        texts=("Hel",),
    ),
]

HARMLESS = [
    Row(
        "leaves [DONE] out",
        sends(events(lambda r: ending(r).removesuffix(b"data: [DONE]\n\n"))),
        None,
        STREAM,
        texts=("Hel",),
    ),
    Row("resets after the end", sends(events(ending), then=resets), None, STREAM, texts=("Hel",)),
    Row("sends garbage after [DONE]", sends(events(ending, b"data: {{{\n\n")), None, STREAM, texts=("Hel",)),
    Row("says 100 before its answer", sends(head("HTTP/1.1 100 Continue"), lambda r: ok(whole(r))), None, WHOLE),
    Row(
        "says 103 before its answer",
        sends(head("HTTP/1.1 103 Early Hints", "link: </x>"), lambda r: ok(whole(r))),
        None,
        WHOLE,
    ),
    Row("says 201", sends(lambda r: http("201 Created", whole(r))), None, WHOLE),
    Row("sends its answer byte by byte", sends(bytewise), None),
    Row("sends an answer that nobody asked for", sends(kept_alive, ok(b"{}"), then=stalls), None, WHOLE),
]
