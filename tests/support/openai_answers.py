"""Answers as OpenAI's clients read them, checked against the one schema of them all."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any, Literal

from jsonschema import Draft202012Validator

_SCHEMA = json.loads(Path(__file__).with_name("openai_answers.schema.json").read_text())
Draft202012Validator.check_schema(_SCHEMA)
_KINDS = {
    kind: Draft202012Validator({**_SCHEMA, "$ref": f"#/$defs/{kind}"}) for kind in ("completion", "chunk", "error")
}


def complaints(kind: Literal["completion", "chunk", "error"], answer: Any) -> list[str]:
    """What the schema has against an answer of that kind."""
    return [f"{error.json_path}: {error.message}" for error in _KINDS[kind].iter_errors(answer)]


def completion_of(body: bytes) -> dict[str, Any]:
    """A plain answer, checked."""
    answer: dict[str, Any] = json.loads(body)
    assert not (found := complaints("completion", answer)), found
    return answer


def error_of(body: bytes) -> dict[str, Any]:
    """What the answer to a failed call tells, checked."""
    answer = json.loads(body)
    assert not (found := complaints("error", answer)), found
    error: dict[str, Any] = answer["error"]
    return error


def chunks_of(body: bytes) -> list[dict[str, Any]]:
    """The chunks of a stream that ended well, each checked, and all: one head; each choice begins and ends once."""
    *events, done, rest = body.split(b"\n\n")
    assert (done, rest) == (b"data: [DONE]", b"")
    chunks = [_checked_chunk(event) for event in events]
    assert len({(chunk["id"], chunk["created"], chunk["model"]) for chunk in chunks}) == 1
    for choices in _by_index(chunks).values():
        assert ["role" in choice["delta"] for choice in choices] == [True] + [False] * (len(choices) - 1)
        assert [choice["finish_reason"] is None for choice in choices] == [True] * (len(choices) - 1) + [False]
        _check_calls([call for choice in choices for call in choice["delta"].get("tool_calls", ())])
    return chunks


def broken_off(body: bytes) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The chunks of a stream that failed, and what the event at its end tells, each checked."""
    *events, last, rest = body.split(b"\n\n")
    assert rest == b""
    return [_checked_chunk(event) for event in events], error_of(last.removeprefix(b"data: "))


def _checked_chunk(event: bytes) -> dict[str, Any]:
    assert event.startswith(b"data: ")
    chunk: dict[str, Any] = json.loads(event.removeprefix(b"data: "))
    assert not (found := complaints("chunk", chunk)), found
    return chunk


def _by_index(chunks: list[dict[str, Any]]) -> dict[int, list[Any]]:
    choices = defaultdict(list)
    for chunk in chunks:
        for choice in chunk["choices"]:
            choices[choice["index"]].append(choice)
    return choices


def _check_calls(deltas: list[dict[str, Any]]) -> None:
    """Calls come one after the other; the first delta of each, and no other, names it."""
    indices = [delta["index"] for delta in deltas]
    assert indices == sorted(indices)
    assert sorted(set(indices)) == list(range(len(set(indices))))
    named = [delta["index"] for delta in deltas if "id" in delta]
    assert named == sorted(set(indices))
