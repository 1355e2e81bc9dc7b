"""gRPC beside REST: every way is answered rightly, what passes is counted, and the table is that of the figures."""

import http.client
import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from google.protobuf import json_format
from google.protobuf.message import Message
from modelwire.v1.chat_pb2 import ChatCompletion, ChatCompletionChunk
from modelwire.v1.embedding_service_pb2 import CreateEmbeddingsResponse

from bench.doors import reading
from bench.doors.cell import Cell, Plan, measured
from bench.doors.reading import Wrong
from bench.doors.relay import Relay
from bench.doors.results import Results
from bench.doors.ways import BASE64, CHAT, EMBEDDINGS, OPENAI, TYPED, Way, all_ways
from bench.doors.wire import bytes_of_a_call
from bench.load.dialogue import Expected
from bench.measuring.calls import Target
from bench.measuring.session import Session, session
from bench.peers.modelwire import MODELWIRE
from bench.upstream import answers

CORE = min(os.sched_getaffinity(0))
SHORTEST = Plan("test", rounds=1, seconds=0.05, counted=2)
WAYS = {f"{way.call}, {way.door}": way for way in all_ways()}
RIGHT = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nright"


@pytest.fixture(scope="module")
def modelwire(mock: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    with session(MODELWIRE, tmp_path_factory.mktemp("modelwire"), mock, core=CORE) as running:
        yield running


@pytest.mark.parametrize("way", WAYS.values(), ids=list(WAYS))
def test_every_call_is_measured_through_every_door(way: Way, modelwire: Session) -> None:
    cell = measured(modelwire, way, SHORTEST)
    assert (cell.call, cell.door) == (way.call, way.door)
    assert cell.sent_bytes > len(way.body)
    assert cell.received_bytes > 0
    assert 0 < cell.p50_ms <= cell.p99_ms
    assert cell.per_second > 0


def test_packed_vectors_take_four_bytes_a_number_and_little_else(modelwire: Session) -> None:
    _, received = bytes_of_a_call(WAYS[f"{EMBEDDINGS}, {TYPED}"], modelwire.target, 2)
    assert 0 < received - 4 * answers.TEXTS * answers.DIMENSIONS < 1000


@pytest.mark.parametrize("name", WAYS)
def test_an_answer_that_is_not_right_ends_the_measurement(name: str, modelwire: Session) -> None:
    wrong = replace(WAYS[name], wrong=lambda messages: f"{len(messages) > 0} but wrong")
    with pytest.raises(RuntimeError, match=f"^{re.escape(name)}: True but wrong$"):
        bytes_of_a_call(wrong, modelwire.target, 1)
    more = replace(WAYS[name], expected=Expected(WAYS[name].expected.marker, 1000))
    with pytest.raises(RuntimeError, match=f"^{re.escape(name)}: .* of 1000 × "):
        measured(modelwire, more, SHORTEST)


@pytest.mark.parametrize(("door", "status"), [(OPENAI, "status 401"), (TYPED, r"StatusCode\.UNAUTHENTICATED")])
def test_a_refused_call_is_told_with_its_status(door: str, status: str, modelwire: Session) -> None:
    nobody = Target(modelwire.target.rest, modelwire.target.grpc, {})
    with pytest.raises(RuntimeError, match=f"(?s)^{CHAT}, {door}: .*{status}"):
        bytes_of_a_call(WAYS[f"{CHAT}, {door}"], nobody, 1)


@pytest.mark.parametrize(
    ("read", "as_json", "message", "complaint"),
    [
        (
            reading.typed_chat,
            reading.typed_chat_as_json,
            ChatCompletion(choices=[{"message": {"text": "That is all."}}], usage={"total_tokens": 60}),
            "the answer says 'That is all.', the usage is 60",
        ),
        (
            reading.typed_chat,
            reading.typed_chat_as_json,
            ChatCompletion(choices=[{"message": {"text": answers.REPLY_END}}]),
            f"the answer says {answers.REPLY_END!r}, the usage is 0",
        ),
        (
            reading.typed_stream,
            reading.typed_stream_as_events,
            ChatCompletionChunk(choices=[{"delta": {"text": answers.TOKEN}}]),
            f"the chunks say {answers.TOKEN!r}",
        ),
        (
            reading.typed_vectors,
            reading.typed_vectors_as_json,
            CreateEmbeddingsResponse(embeddings=[{"values": [1.0, 2.0]}]),
            "the vectors are not those that the upstream sent",
        ),
    ],
)
def test_other_answers_are_not_right(read: Wrong, as_json: Wrong, message: Message, complaint: str) -> None:
    assert read([message.SerializeToString()]) == complaint
    assert as_json([json_format.MessageToJson(message, indent=None).encode()]) == complaint


def test_a_relay_counts_what_passes_both_ways(answering: Callable[..., str]) -> None:
    with Relay(answering(RIGHT)) as relay:
        connection = http.client.HTTPConnection(relay.address)
        for calls in (1, 2):
            connection.putrequest("GET", "/", skip_host=True, skip_accept_encoding=True)
            connection.endheaders()
            assert connection.getresponse().read() == b"right"
            assert relay.passed == (calls * len(b"GET / HTTP/1.1\r\n\r\n"), calls * len(RIGHT))
        connection.close()


def test_the_table_is_that_of_the_figures(tmp_path: Path) -> None:
    rest, other = Cell(EMBEDDINGS, OPENAI, 900, 500_000, 12, 24, 100, 8000), Cell(CHAT, OPENAI, 1, 2, 3, 4, 5, 6)
    typed = Cell(EMBEDDINGS, TYPED, 800.25, 100_000, 6, 12, 200, 4000)
    again = replace(typed, cpu_us=2000.0, per_second=300.0)
    results = Results(SHORTEST, {"cores": "2"}, [rest, typed, rest, again, other])
    said = results.write(tmp_path)
    assert said.splitlines()[2:] == [
        f"| {EMBEDDINGS} | REST | 900 | 500,000 | – | 12.0 | 24.0 | 100 | 8,000 | – |",
        "|  | v1 over gRPC | 800 | 100,000 | 0.20 | 6.00 | 12.0 | 250 | 3,000 (2,000–4,000) | 0.38 |",
        "| Short chat | REST | 1 | 2 | – | 3.00 | 4.00 | 5.00 | 6.00 | – |",
    ]
    assert said in (tmp_path / "doors.md").read_text()
    kept = json.loads((tmp_path / "doors.json").read_text())
    assert [(cell["door"], cell["sent_bytes"]) for cell in kept] == [
        *((OPENAI, 900), (TYPED, 800.25), (OPENAI, 900), (TYPED, 800.25), (OPENAI, 1)),
    ]
    chart = (tmp_path / "doors.svg").read_text()
    assert all(text in chart for text in (f"{EMBEDDINGS}: bytes", "100,800", f"{CHAT}: CPU µs"))
    assert BASE64 not in chart
