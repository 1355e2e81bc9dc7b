"""What the body of a streamed request is made into, wherever the network cuts it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf import json_format, message_factory
from google.protobuf.descriptor import ServiceDescriptor
from modelwire_gateway.endpoints import Endpoints
from modelwire_gateway.errors import RpcFailure
from modelwire_gateway.options import GatewayOptions
from modelwire_gateway.requests.query import read_query
from support.uploads import NDJSON

Read = Callable[..., list[dict[str, Any]]]
JSON = "application/json"


@pytest.fixture(scope="module")
def read(upload_services: tuple[ServiceDescriptor, ...]) -> Read:
    """The messages of a body that comes in some pieces, as proto3 JSON, read by protobuf itself."""

    def read(path: str, content_type: str | None, *pieces: bytes, limit: int = 2**20) -> list[dict[str, Any]]:
        endpoints = Endpoints(upload_services, GatewayOptions(max_request_bytes=limit))
        raw_path, _, query = path.encode().partition(b"?")
        method = "GET" if path.startswith("/bare/") else "POST"
        endpoint, captures = endpoints.find(method, raw_path)
        messages = endpoint.binder.messages(captures, read_query(query).fields, content_type)
        wires = [wire for piece in pieces for wire in messages.feed(piece)] + list(messages.finish())
        message = message_factory.GetMessageClass(endpoint.route.rpc.descriptor.input_type)
        return [json_format.MessageToDict(message.FromString(wire)) for wire in wires]

    return read


@pytest.mark.parametrize(
    ("path", "content_type", "body", "messages"),
    [
        ("/upload", JSON, b'[{"name":"a"}, {"nums":[1,2]}]', [{"name": "a"}, {"nums": [1, 2]}]),
        ("/upload", None, b'{"name":"a"}{"name":"b"}', [{"name": "a"}, {"name": "b"}]),
        ("/upload", "application/merge+json; charset=UTF-8", b'{"name":"a"}\n{}', [{"name": "a"}, {}]),
        ("/upload", NDJSON, b'{"name":"a"}\n\n{"name":"b"}\n', [{"name": "a"}, {"name": "b"}]),
        ("/upload", "application/ndjson", b"{}\n{}", [{}, {}]),
        ("/upload", "application/jsonl", b"{}\n{}", [{}, {}]),
        ("/upload", "application/json-seq", b'\x1e{"name":"a"}\n\x1e{}\n', [{"name": "a"}, {}]),
        ("/upload", JSON, b"", []),
        ("/upload", JSON, b" [ ] ", []),
        ("/upload", NDJSON, b"\n", []),
        ("/child", JSON, b'[{"name":"a"},null,{}]', [{"child": {"name": "a"}}, {}, {"child": {}}]),
        ("/nums", JSON, b"[[1,2],[],[3]]", [{"nums": [1, 2]}, {}, {"nums": [3]}]),
        ("/nums", NDJSON, b"[1,2]\n[3]", [{"nums": [1, 2]}, {"nums": [3]}]),
        ("/upload/x", JSON, b'[{"name":"a"},{"name":"b"}]', [{"name": "x"}, {"name": "b"}]),
        ("/upload/x", JSON, b"[]", [{"name": "x"}]),
        ("/upload/x", JSON, b"", [{"name": "x"}]),
        ("/child?name=x&nums=1", JSON, b"[{},{}]", [{"child": {}, "name": "x", "nums": [1]}, {"child": {}}]),
        ("/child?name=x", NDJSON, b"", [{"name": "x"}]),
        ("/bare/x?nums=1&nums=2", None, b"", [{"name": "x", "nums": [1, 2]}]),
        ("/bare", None, b"", [{}]),
    ],
)  # fmt: skip
def test_json_becomes_messages(
    path: str, content_type: str | None, body: bytes, messages: list[Any], read: Read
) -> None:
    assert read(path, content_type, body) == messages
    assert read(path, content_type, *(bytes([byte]) for byte in body)) == messages


@pytest.mark.parametrize(
    ("path", "content_type", "pieces", "messages"),
    [
        ("/files", "text/plain", [b"ab", b"", b"c"], [{"contentType": "text/plain", "data": "YWI="}, {"data": "Yw=="}]),
        ("/files", None, [b"ab"], [{"data": "YWI="}]),
        ("/files", "text/plain", [], [{"contentType": "text/plain"}]),
        ("/files", None, [], []),
        ("/raw", "text/plain", [b"ab", b"c"],
         [{"raw": {"contentType": "text/plain", "data": "YWI="}}, {"raw": {"data": "Yw=="}}]),
        ("/raw/x?nums=1", None, [b"ab", b"c"],
         [{"name": "x", "nums": [1], "raw": {"data": "YWI="}}, {"raw": {"data": "Yw=="}}]),
        ("/raw/x", None, [], [{"name": "x", "raw": {}}]),
        ("/raw/x", "text/plain", [], [{"name": "x", "raw": {"contentType": "text/plain"}}]),
    ],
)  # fmt: skip
def test_raw_bodies_become_messages_piece_by_piece(
    path: str, content_type: str | None, pieces: list[bytes], messages: list[Any], read: Read
) -> None:
    assert read(path, content_type, *pieces) == messages


@pytest.mark.parametrize(("limit", "sizes"), [(2**22, [2**20, 2**20, 1]), (2**20, [2**19] * 4 + [1])])
def test_long_pieces_are_cut(limit: int, sizes: list[int], read: Read) -> None:
    messages = read("/files", None, bytes(2**21 + 1), limit=limit)
    assert [len(message["data"]) for message in messages] == [(size + 2) // 3 * 4 for size in sizes]


@pytest.mark.parametrize(
    ("path", "content_type", "body", "status", "complaint"),
    [
        ("/upload", JSON, b'[{},{},{"name":1}]', 400, "[2].name: "),
        ("/upload", NDJSON, b'{}\n{"child":{"nums":["x"]}}', 400, "[1].child.nums[0]: "),
        ("/upload", JSON, b'[{},{"nope":1}]', 400, "[1].nope: "),
        ("/upload", JSON, b'[{}, {"name":"a","name":"b"}]', 400, "[1]: the name"),
        ("/upload", JSON, b"[{}, 1]", 400, "[1]: "),
        ("/upload", JSON, b"[{}, {x}]", 400, "[1]: invalid JSON at line 1 column 2: "),
        ("/upload", NDJSON, b"{}\n{} {}", 400, "[1]: invalid JSON at line 1 column 4: "),
        ("/upload", NDJSON, b'{"name":\n"a"}', 400, "[0]: invalid JSON at line 1 column 9: "),
        ("/upload", NDJSON, b"\xff", 400, "[0]: invalid UTF-8"),
        ("/upload", JSON, b"[{}] {}", 400, "[1]: invalid JSON at byte 5 of the body: nothing is expected, not '{'"),
        ("/upload", JSON, b"[{}{}]", 400, "[1]: invalid JSON at byte 3 of the body: ',' or ']' is expected, not '{'"),
        ("/upload", JSON, b"[{}", 400, "[1]: invalid JSON at byte 3 of the body: ',' or ']' is expected, not the end"),
        ("/upload", JSON, b'[{"child":' + b'{"child":' * 200 + b"{}" + b"}" * 201 + b"]", 400, "[0].child.child"),
        ("/child", JSON, b'[{},{"name":1}]', 400, "[1].child.name: "),
        ("/upload", "text/plain", b"[]", 415, "the content type must be application/json or application/x-ndjson"),
        ("/upload", "application/json; charset=latin-1", b"[]", 415, "the content type must be"),
        ("/upload?name=x", JSON, b"[]", 400, "name: no query parameter is taken here"),
        ("/child?nums=x", JSON, b"[]", 400, "nums: "),
        ("/bare", None, b"{}", 400, "this route takes no body"),
        ("/upload", JSON, b'[{},{"name":"' + b"x" * 100 + b'"}]', 413, "message [1] is larger than 100 bytes"),
        ("/upload", JSON, b'[{},{"name":"' + b"x" * 100, 413, "message [1] is larger than 100 bytes"),
        ("/upload", NDJSON, b"{}\n" + b" " * 101, 413, "message [1] is larger than 100 bytes"),
        ("/upload", JSON, b'[{"nums":[' + b"-1," * 20 + b"-1]}]", 413, "message [0] is larger than 100 bytes"),
    ],
)
def test_what_is_refused_is_named_by_its_place(
    path: str, content_type: str | None, body: bytes, status: int, complaint: str, read: Read
) -> None:
    limit = 100 if status == 413 else 2**20
    for pieces in ([body], [bytes([byte]) for byte in body]):
        with pytest.raises(RpcFailure) as raised:
            read(path, content_type, *pieces, limit=limit)
        assert raised.value.http_status == status
        assert raised.value.status.message.startswith(complaint), raised.value.status.message


def test_the_stream_may_be_longer_than_any_message(read: Read) -> None:
    body = json.dumps([{"name": "x" * 50}] * 100).encode()
    assert len(read("/upload", JSON, body, limit=100)) == 100
