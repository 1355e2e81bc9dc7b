"""`chat.completion` into chunks, for servers that ignore `stream`, and chunks into one, for those that insist on it."""

from collections.abc import Iterable
from typing import Any

from modelwire_service.tool_calls import CallDeltas
from modelwire_service.upstreams.answer_json import choice_index
from modelwire_service.upstreams.base import Json

_ONE = "chat.completion"
_CHUNK = "chat.completion.chunk"


def unfolded(completion: Json) -> list[Json]:
    """The chunks that say what a completion says: the messages, their ends, and the usage if there is one."""
    choices = completion["choices"]
    shared = {key: value for key, value in completion.items() if key not in ("choices", "usage")} | {"object": _CHUNK}
    chunks = [{**shared, "choices": [_opening(index, choice)]} for index, choice in enumerate(choices)]
    chunks += [{**shared, "choices": [_ending(index, choice)]} for index, choice in enumerate(choices)]
    if usage := completion.get("usage"):
        chunks.append({**shared, "choices": [], "usage": usage})
    return chunks


def _opening(position: int, choice: Json) -> Json:
    delta = dict(choice.get("message") or {})
    delta.setdefault("role", "assistant")
    if calls := delta.pop("tool_calls", None):
        delta["tool_calls"] = [{"index": index, **call} for index, call in enumerate(calls)]
    logprobs = {"logprobs": choice["logprobs"]} if choice.get("logprobs") else {}
    return {"index": choice_index(choice, position), "delta": delta, **logprobs, "finish_reason": None}


def _ending(position: int, choice: Json) -> Json:
    called = (choice.get("message") or {}).get("tool_calls")
    reason = choice.get("finish_reason") or ("tool_calls" if called else "stop")
    native = {"native_finish_reason": told} if (told := choice.get("native_finish_reason")) else {}
    return {"index": choice_index(choice, position), "delta": {}, "finish_reason": reason, **native}


class Folder:
    """Gathers chunks into one completion; texts are joined once, at the end."""

    def __init__(self) -> None:
        self._shared: Json = {}
        self._choices: dict[int, _Choice] = {}

    def add(self, chunks: Iterable[Json]) -> None:
        for chunk in chunks:
            self._add(chunk)

    def completion(self) -> Json:
        usage = {"usage": self._shared.pop("usage")} if "usage" in self._shared else {}
        choices = [self._choices[index].folded(index) for index in sorted(self._choices)]
        return {**self._shared, "object": _ONE, "choices": choices, **usage}

    def _add(self, chunk: Json) -> None:
        for key, value in chunk.items():
            if key != "choices" and value is not None and (key == "usage" or key not in self._shared):
                self._shared[key] = value
        for position, choice in enumerate(chunk.get("choices") or []):
            index = choice_index(choice, position)
            self._choices.setdefault(index, _Choice()).add(choice)


class _Choice:
    def __init__(self) -> None:
        self._message = _Joined()
        self._deltas = CallDeltas()
        self._calls: dict[int, _Call] = {}
        self._logprobs: dict[str, list[Any]] = {}
        self._finish_reason: str | None = None

    def add(self, choice: Json) -> None:
        delta = dict(choice.get("delta") or {})
        for call in self._deltas.numbered(delta.pop("tool_calls", None) or []):
            self._calls.setdefault(call["index"], _Call()).add(call)
        self._message.add(delta)
        for key, tokens in (choice.get("logprobs") or {}).items():
            self._logprobs.setdefault(key, []).extend(tokens or [])
        self._finish_reason = choice.get("finish_reason") or self._finish_reason

    def folded(self, index: int) -> Json:
        message: Json = {"role": "assistant", "content": None} | self._message.joined()
        if self._calls:
            message["tool_calls"] = [call.joined() for call in self._calls.values()]
        logprobs = {"logprobs": self._logprobs} if self._logprobs else {}
        # Only a stream that said [DONE] is whole without a finish reason: the server then meant the answer to end
        # there, and clients rely on a reason. Streams that broke off never get here.
        reason = self._finish_reason or ("tool_calls" if self._calls else "stop")
        return {"index": index, "message": message, **logprobs, "finish_reason": reason}


class _Call:
    def __init__(self) -> None:
        self._fields: Json = {}
        self._function = _Joined()

    def add(self, delta: Json) -> None:
        self._function.add(delta.get("function") or {})
        rest = {key: value for key, value in delta.items() if key not in ("index", "function") and value}
        self._fields = rest | self._fields

    def joined(self) -> Json:
        return {**self._fields, "function": {"arguments": ""} | self._function.joined()}


class _Joined:
    """Fields of deltas. Texts and lists are joined; of names, and of anything else, the last stays."""

    _NAMES = ("role", "name", "id")

    def __init__(self) -> None:
        self._texts: dict[str, list[str]] = {}
        self._lists: dict[str, list[Any]] = {}
        self._others: Json = {}

    def add(self, delta: Json) -> None:
        for key, value in delta.items():
            if isinstance(value, str) and key not in self._NAMES:
                self._texts.setdefault(key, []).append(value)
            elif isinstance(value, list):
                self._lists.setdefault(key, []).extend(value)
            elif value is not None and (key not in self._NAMES or value):
                self._others[key] = value

    def joined(self) -> Json:
        return {**self._others, **self._lists, **{key: "".join(texts) for key, texts in self._texts.items()}}
