"""The chunks of any completion, folded by the rule of the contract, are the completion."""

import base64
import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from modelwire.v1 import chat_pb2
from modelwire_client import folded
from modelwire_service.completions import ChunkStream, completed
from modelwire_service.finish_reasons import FINISH_REASONS
from modelwire_service.typed.answers import chunk_wire, completion_wire, head_wire
from modelwire_service.upstreams.openai.folding import unfolded
from modelwire_service.upstreams.text_runs import TextRun, chunks_in

Json = dict[str, Any]

TEXT = st.text(max_size=12)
COUNT = st.integers(0, 2**31 - 1)
NUMBER = st.floats(-100, 0)
TOKEN = st.fixed_dictionaries(
    {"token": TEXT, "logprob": NUMBER, "bytes": st.none() | st.lists(st.integers(0, 255), max_size=3)}
)
LOGPROBS = st.fixed_dictionaries(
    {
        "content": st.none()
        | st.lists(
            st.builds(lambda token, top: {**token, "top_logprobs": top}, TOKEN, st.lists(TOKEN, max_size=2)), max_size=3
        )
    },
    optional={"refusal": st.lists(TOKEN, max_size=1)},
)
SIGNED = st.builds(lambda told: {"google": {"thought_signature": told}}, TEXT)
CALL = st.fixed_dictionaries(
    {
        "id": st.uuids().map(str),
        "type": st.just("function"),
        "function": st.fixed_dictionaries({"name": st.just("f"), "arguments": st.text(min_size=1, max_size=12)}),
    },
    optional={"extra_content": SIGNED},
)
CITATION = st.fixed_dictionaries(
    {
        "type": st.just("url_citation"),
        "url_citation": st.fixed_dictionaries({"start_index": COUNT, "end_index": COUNT, "url": TEXT, "title": TEXT}),
    }
)
IMAGE = st.builds(
    lambda data: {
        "type": "image_url",
        "image_url": {"url": f"data:image/png;base64,{base64.b64encode(data).decode()}"},
    },
    st.binary(min_size=1, max_size=9),
)
AUDIO = st.fixed_dictionaries(
    {"id": TEXT, "data": st.binary(max_size=9).map(lambda data: base64.b64encode(data).decode()), "transcript": TEXT},
    optional={"expires_at": COUNT},
)
MESSAGE = st.fixed_dictionaries(
    {"content": st.none() | TEXT},
    optional={
        "refusal": TEXT,
        "reasoning_content": TEXT,
        "tool_calls": st.lists(CALL, min_size=1, max_size=3),
        "extra_content": SIGNED,
        "annotations": st.lists(CITATION, max_size=2),
        "images": st.lists(IMAGE, max_size=2),
        "audio": AUDIO,
        "x_vendor": st.lists(COUNT, max_size=3),
    },
)
CHOICE = st.fixed_dictionaries(
    {"message": MESSAGE, "finish_reason": st.sampled_from(sorted(FINISH_REASONS))}, optional={"logprobs": LOGPROBS}
)
USAGE = st.fixed_dictionaries(
    {"prompt_tokens": COUNT, "completion_tokens": COUNT, "total_tokens": COUNT},
    optional={"completion_tokens_details": st.fixed_dictionaries({"reasoning_tokens": COUNT}), "cost": NUMBER},
)
COMPLETION = st.fixed_dictionaries(
    {
        "id": st.just("c1"),
        "created": st.integers(1, 2**31),
        "model": TEXT,
        "choices": st.lists(CHOICE, min_size=1, max_size=3),
    },
    optional={"usage": USAGE, "system_fingerprint": TEXT, "x_vendor": TEXT},
)


def cut(chunk: Json, source: random.Random) -> list[Json]:
    """Chunks that say what one says, its texts in pieces."""
    [choice] = chunk["choices"] or [None]
    if choice is None or not choice["delta"]:
        return [chunk]
    delta = choice["delta"]
    rest = {name: value for name, value in delta.items() if name not in ("content", "tool_calls")}
    deltas: list[Json] = [{"role": "assistant"}]
    deltas += [{"content": piece} for piece in pieces(delta["content"], source)] if delta["content"] is not None else []
    for call in delta.get("tool_calls", ()):
        first, *others = pieces(call["function"]["arguments"], source)
        deltas.append({"tool_calls": [{**call, "function": {**call["function"], "arguments": first}}]})
        deltas += [{"tool_calls": [{"index": call["index"], "function": {"arguments": more}}]} for more in others]
    head = {name: value for name, value in chunk.items() if name != "choices"}
    said = [
        {**head, "choices": [{"index": choice["index"], "delta": delta, "finish_reason": None}]} for delta in deltas
    ]
    return [*said, {**head, "choices": [{**choice, "delta": rest}]}]


def pieces(text: str, source: random.Random) -> list[str]:
    place = source.randint(0, len(text))
    return [text[:place], text[place:]]


@given(COMPLETION, st.randoms(use_true_random=False))
def test_the_chunks_of_a_completion_fold_into_it(told: Json, source: random.Random) -> None:
    whole = completed(told, "m")
    stream = ChunkStream("m", include_usage=True)
    sent = [*chunks_in(stream.chunks([piece for chunk in unfolded(whole) for piece in cut(chunk, source)]))]
    sent += chunks_in(stream.closing())
    assert folded(messages(sent)) == chat_pb2.ChatCompletion.FromString(completion_wire(whole))


UNESCAPED = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters='"\\'), max_size=3)


@given(st.lists(UNESCAPED.map(str.encode), min_size=1))
def test_texts_joined_fold_as_they_do_one_by_one(texts: list[bytes]) -> None:
    choice = {"index": 0, "delta": {"content": ""}, "finish_reason": None}
    like = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    run = TextRun(like, texts)
    assert folded(messages([run.joined()])) == folded(messages(list(run.chunks())))


def messages(chunks: list[Json]) -> list[chat_pb2.ChatCompletionChunk]:
    head = head_wire(chunks[0])
    return [chat_pb2.ChatCompletionChunk.FromString(head + chunk_wire(chunk)) for chunk in chunks]
