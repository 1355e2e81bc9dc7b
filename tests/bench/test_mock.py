"""The mock upstream, as OpenAI's client and raw sockets see it."""

import base64
import socket
from collections.abc import Iterator

import numpy as np
import openai
import pytest

from bench.upstream import answers
from bench.upstream.mock import missing

PROMPT = f"Hello, {answers.PROMPT_END}"


@pytest.fixture
def client(mock: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"http://{mock}/v1", api_key="any", max_retries=4) as client:
        client.models.list()
        yield client


@pytest.mark.parametrize("model", [answers.SHORT, answers.PROMPT, answers.EIGHT_KB])
def test_a_chat_is_answered(model: str, client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model=model, messages=[{"role": "user", "content": PROMPT}])
    content = answer.choices[0].message.content
    assert content
    assert content.endswith(answers.REPLY_END)
    assert answer.usage
    assert answer.usage.total_tokens == 60


@pytest.mark.parametrize(
    ("model", "count"), [(answers.STREAM, answers.STREAM_EVENTS), (answers.PACED, answers.PACED_EVENTS)]
)
def test_a_stream_has_all_its_events(model: str, count: int, client: openai.OpenAI) -> None:
    with client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": PROMPT}], stream=True
    ) as stream:
        chunks = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == answers.TOKEN * count
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_a_stream_tells_the_usage_where_it_is_asked_for(client: openai.OpenAI) -> None:
    with client.chat.completions.create(
        model=answers.STREAM,
        messages=[{"role": "user", "content": PROMPT}],
        stream=True,
        stream_options={"include_usage": True},
    ) as stream:
        *_, last = stream
    assert last.usage
    assert (last.choices, last.usage.total_tokens) == ([], 60)


def test_vectors_are_the_same_in_both_encodings(client: openai.OpenAI) -> None:
    ask = client.embeddings.with_raw_response.create
    texts = [PROMPT] * answers.TEXTS
    floats = ask(model=answers.EMBED, input=texts, encoding_format="float").http_response.json()["data"]
    coded = ask(model=answers.EMBED, input=texts, encoding_format="base64").http_response.json()["data"]
    decoded = [np.frombuffer(base64.b64decode(each["embedding"]), "<f4") for each in coded]
    assert np.shape(decoded) == (answers.TEXTS, answers.DIMENSIONS)
    assert np.allclose([each["embedding"] for each in floats], decoded, rtol=1e-6)


def test_all_models_are_listed(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == list(answers.MODELS)


@pytest.mark.parametrize(
    ("model", "prompt", "stream", "error"),
    [
        ("another", PROMPT, False, openai.NotFoundError),
        (answers.STREAM, PROMPT, False, openai.NotFoundError),
        (answers.SHORT, PROMPT, True, openai.NotFoundError),
        (answers.SHORT, PROMPT[:-1], False, openai.BadRequestError),
        (answers.STREAM, PROMPT[:-1], True, openai.BadRequestError),
    ],
)
def test_what_is_not_right_is_refused(
    model: str, prompt: str, stream: bool, error: type[openai.APIStatusError], client: openai.OpenAI
) -> None:
    with pytest.raises(error):
        client.chat.completions.create(
            model=model,
            messages=[{"role": "user", "content": prompt}],
            stream=stream,
        )


@pytest.mark.parametrize(
    ("data", "still"),
    [
        (b"GET / HTTP/1.1\r\nhost: a\r\n", 1),
        (b"GET / HTTP/1.1\r\nhost: a\r\n\r\n", 0),
        (b"GET / HTTP/1.1\r\nhost: a\r\n\r\nGET", -3),
        (b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab", 3),
        (b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nabP", -1),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", 1),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", 0),
    ],
)
def test_where_a_request_ends(data: bytes, still: int) -> None:
    assert missing(data) == still


def test_requests_that_come_in_pieces_or_together_are_all_answered(mock: str, client: openai.OpenAI) -> None:
    one = b"GET /v1/models HTTP/1.1\r\nhost: a\r\n\r\n"
    whole = answers.models()
    host, _, port = mock.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        for piece in (one[:9], one[9:] + one, one[:-1], one[-1:]):
            connection.sendall(piece)
        received = b""
        while len(received) < 3 * len(whole):
            received += connection.recv(1 << 16)
    assert received == 3 * whole
