"""Several replies of the chat model made one."""

from typing import Any

import pytest
from modelwire_service.upstreams.embedded.chat_reply import ReplyStream, merged, summed

TOKEN = {
    "id": 5,
    "token": "B",
    "bytes": [66],
    "logprob": -1.5,
    "top_logprobs": [{"id": 5, "token": "B", "logprob": -1}],
}


def usage(prompt: int, completion: int) -> dict[str, Any]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def reply(text: str, tokens: int = 2) -> dict[str, Any]:
    return {
        "id": f"id-{text}",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "system_fingerprint": "b0",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": usage(10, tokens),
        "timings": {"cache_n": 0},
        "__verbose": {},
    }


def chunk(delta: dict[str, Any] | None, finish_reason: str | None = None, **more: Any) -> dict[str, Any]:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish_reason}]
    return {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices} | more


@pytest.mark.parametrize(
    ("usages", "total"),
    [
        ([usage(10, 2)], usage(10, 2)),
        ([usage(10, 2), usage(10, 3), usage(10, 4)], usage(10, 9)),
        ([usage(5, 1) | {"prompt_tokens_details": {"cached_tokens": 4}}, usage(5, 1)], usage(5, 2) | {
            "prompt_tokens_details": {"cached_tokens": 4}
        }),
    ],
)  # fmt: skip
def test_a_prompt_counts_once_and_completions_add_up(usages: list[dict[str, Any]], total: dict[str, Any]) -> None:
    assert summed(usages) == total


def test_replies_become_the_choices_of_one() -> None:
    one = merged([reply("a", 2), reply("b", 3)], None)
    assert one["id"] == "id-a"
    assert [choice["index"] for choice in one["choices"]] == [0, 1]
    assert [choice["message"]["content"] for choice in one["choices"]] == ["a", "b"]
    assert one["usage"] == usage(10, 5)


def test_members_of_llama_cpp_are_left_out() -> None:
    given = reply("a")
    given["choices"][0] |= {"logprobs": {"content": [TOKEN]}, "own": 1}
    one = merged([given], None)
    assert set(one) == {"id", "object", "created", "model", "system_fingerprint", "choices", "usage"}
    assert set(one["choices"][0]) == {"index", "message", "finish_reason", "logprobs"}
    (token,) = one["choices"][0]["logprobs"]["content"]
    assert token == {"token": "B", "bytes": [66], "logprob": -1.5, "top_logprobs": [{"token": "B", "logprob": -1}]}


def test_streams_follow_one_another_under_one_id() -> None:
    stream = ReplyStream(None)
    chunks = []
    for at in range(2):
        stream.next_choice()
        text = chunk({"content": f"text {at}"}, id=f"id-{at}", created=at)
        end = chunk({}, "stop", timings={})
        chunks += stream.chunks([text, end]) + stream.chunks([chunk(None, usage=usage(10, at + 1))])
    assert [each["choices"][0]["index"] for each in chunks] == [0, 0, 1, 1]
    assert {(each["id"], each["created"]) for each in chunks} == {("id-0", 0)}
    assert not any("usage" in each or "timings" in each for each in chunks)
    last = stream.last_chunk()
    assert (last["id"], last["choices"], last["usage"]) == ("id-0", [], usage(10, 3))
