"""The load: what counts as a right answer, and what as a failure."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import grpc
import pytest

from bench.cases.all_cases import CASES, HELD
from bench.load.dialogue import Expected
from bench.load.http1 import Http1, body_of, request
from bench.load.http2 import GrpcCalls
from bench.load.loops import MOST_CONNECTIONS, closed_loop, held_streams, open_loop
from bench.load.outcome import Outcome, quantile
from bench.measuring.calls import Target, complaint, dialogue

RIGHT = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nright"
WRONG = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwrong"
REFUSED = b"HTTP/1.1 503 Busy\r\ncontent-length: 5\r\n\r\nright"
NO_LENGTH = b"HTTP/1.1 200 OK\r\n\r\nright"
IN_CHUNKS = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nri\r\n3\r\nght\r\n0\r\n\r\n"

calls = partial(Http1, request("GET", "/", {}), Expected(b"right"))


def loaded(address: str, **more: Any) -> Outcome:
    return closed_loop(address, calls, **{"connections": 2, "seconds": 0.1} | more)


@pytest.mark.parametrize("answer", [RIGHT, IN_CHUNKS])
def test_right_answers_are_timed(answer: bytes, answering: Callable[..., str]) -> None:
    outcome = loaded(answering(answer))
    assert outcome.errors == 0
    assert len(outcome.times) > 2
    assert outcome.seconds >= 0.1
    assert 0 < min(outcome.times) <= max(outcome.times) < outcome.seconds


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (WRONG, "0 of 1 × b'right' in HTTP/1.1 200 OK"),
        (REFUSED, "HTTP/1.1 503 Busy"),
        (NO_LENGTH, "an answer without a length"),
        (b"", "the server closed the connection"),
    ],
)
def test_other_answers_are_failures(answer: bytes, failure: str, answering: Callable[..., str]) -> None:
    outcome = loaded(answering(answer))
    assert not outcome.times
    assert outcome.failures.total() == outcome.errors > 0
    assert all(each.startswith(failure) for each in outcome.failures)


def test_failures_among_right_answers_are_counted_apart(answering: Callable[..., str]) -> None:
    outcome = loaded(answering(RIGHT, REFUSED), connections=1)
    assert outcome.times
    assert abs(len(outcome.times) - outcome.failures.total()) <= 1


def test_calls_without_an_answer_are_given_up(answering: Callable[..., str]) -> None:
    outcome = loaded(answering(None), patience=0.1)
    assert (outcome.unfinished, outcome.times, outcome.errors) == (2, [], 2)


def test_calls_at_a_fixed_rate_are_all_made(answering: Callable[..., str]) -> None:
    outcome = open_loop(answering(RIGHT), calls, rate=100, seconds=0.2)
    assert (len(outcome.times), outcome.errors) == (20, 0)


def test_calls_at_a_fixed_rate_that_find_no_connection_are_dropped(answering: Callable[..., str]) -> None:
    outcome = open_loop(answering(None), calls, rate=5000, seconds=0.2, patience=0.1)
    assert (outcome.unfinished + outcome.dropped, outcome.times) == (1000, [])
    assert outcome.dropped >= 1000 - MOST_CONNECTIONS


def test_streams_are_held_until_the_block_ends(mock: str) -> None:
    target = Target(mock, "", {})
    held = partial(dialogue, HELD, target)
    with held_streams(mock, held, count=20, patience=10) as heard:
        assert heard == 20


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize("answer", [RIGHT, IN_CHUNKS])
def test_an_answer_is_whole_however_it_is_cut(answer: bytes, size: int) -> None:
    read = calls()
    read.call()
    pieces = [answer[at : at + size] for at in range(0, len(answer), size)]
    assert [read.read(piece)[0] for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    assert read.failure == ""


def test_chunks_are_put_together() -> None:
    assert body_of(IN_CHUNKS) == b"right"


def test_a_grpc_call_is_answered(module_server: Callable[[str], str]) -> None:
    for module in ("bench.peers.grpc_canned", "bench.peers.grpc_echo"):
        address = module_server(module)
        target = Target("", address, {})
        with grpc.insecure_channel(address) as channel:
            grpc.channel_ready_future(channel).result(timeout=30)
        for case in (CASES["grpc"], CASES["grpc_stream"]):
            assert complaint(case, target) == ""
            outcome = closed_loop(address, partial(dialogue, case, target), connections=3, seconds=0.1)
            assert outcome.times, module
            assert outcome.failures.total() == outcome.unfinished == 0, outcome.failures


def test_a_grpc_call_with_another_status_is_a_failure() -> None:
    server = grpc.server(ThreadPoolExecutor(1))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    unknown = partial(GrpcCalls, "/no.Service/Method", {"authorization": "x" * 400}, b"", Expected(b"", 1))
    outcome = closed_loop(f"127.0.0.1:{port}", unknown, connections=2, seconds=0.05)
    server.stop(None).wait()
    assert not outcome.times
    assert outcome.failures.total() == outcome.errors >= 2
    assert all(failure.startswith("a status that is not 0") for failure in outcome.failures)


def test_a_grpc_answer_with_something_else_in_it_is_a_failure(module_server: Callable[[str], str]) -> None:
    address = module_server("bench.peers.grpc_canned")
    with grpc.insecure_channel(address) as channel:
        grpc.channel_ready_future(channel).result(timeout=30)
    another = partial(GrpcCalls, "/any.Service/Method", {}, b"", Expected(b"not in the answer"))
    outcome = closed_loop(address, another, connections=1, seconds=0.05)
    assert not outcome.times
    assert list(outcome.failures) == ["0 of 1 × b'not in the answer'"]


@pytest.mark.parametrize(("part", "value"), [(0, 1.0), (0.5, 3.0), (0.99, 4.0), (1, 4.0)])
def test_a_quantile_is_one_of_the_values(part: float, value: float) -> None:
    assert quantile([1.0, 2.0, 3.0, 4.0], part) == value
