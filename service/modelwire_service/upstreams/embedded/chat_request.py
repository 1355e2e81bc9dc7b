"""What the embedded chat model is asked for a request, and what of a request is refused.

Refused is what it cannot do, by name; accepted without effect is what only matters to a vendor. What is not declared
in the contract is refused as well: llama.cpp reads many members of its own, and none of them shall work by accident.
"""

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from modelwire_service.errors import InvalidRequest, Violation
from modelwire_service.upstreams.allowed_tools import allowed_alone
from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.embedded.chat_worker import MAX_REPLY_TOKENS
from modelwire_service.upstreams.embedded.forced_tool_call import ForcedToolCall, forced_tool_call

MAX_CHOICES = 8
_SEEDS = 2**32 - 1  # llama.cpp reads 32 bits, and takes the one value above these for "any"

_PASSED_ON = frozenset({
    "messages", "stop", "temperature", "top_p", "presence_penalty", "frequency_penalty", "logit_bias",
    "logprobs", "top_logprobs", "response_format",
})  # fmt: skip
_ACTED_ON = frozenset({
    "model", "stream", "stream_options", "tools", "tool_choice", "n", "max_completion_tokens", "max_tokens", "seed",
    "modalities",
})  # fmt: skip
_WITHOUT_EFFECT = frozenset({
    "user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key", "verbosity",
    "reasoning_effort", "parallel_tool_calls",
})  # fmt: skip
_TAKEN = _PASSED_ON | _ACTED_ON | _WITHOUT_EFFECT
_TAKEN_OF_TOOL = frozenset({"function", "type"})
_TAKEN_OF_FUNCTION = frozenset({"name", "description", "parameters", "strict"})
_TAKEN_OF_FORMAT = frozenset({"type", "json_schema"})
_NOT_TAKEN = "the embedded model does not take this"


@dataclass(frozen=True, slots=True)
class ChatPlan:
    """The calls that answer a request: `body`, once a choice, each with its seed."""

    body: Json
    seeds: tuple[int | None, ...]
    forced: ForcedToolCall | None

    def bodies(self) -> Iterator[Json]:
        """One call a choice, in order."""
        for seed in self.seeds:
            yield self.body if seed is None else self.body | {"seed": seed}


def plan_chat(request: Json) -> ChatPlan:
    """How a request is answered. Raises InvalidRequest for all in it that the embedded model cannot do."""
    if violations := list(_violations(request)):
        raise InvalidRequest(violations)
    request = allowed_alone(request)
    forced = forced_tool_call(request)
    body = {key: value for key, value in request.items() if key in _PASSED_ON}
    body["model"] = request["model"]
    body["max_tokens"] = _max_tokens(request)
    if forced is not None:
        body["response_format"] = {"type": "json_schema", "json_schema": {"name": "call", "schema": forced.schema}}
    elif request.get("tools") and request.get("tool_choice") != "none":
        body["tools"] = request["tools"]
    return ChatPlan(body, _seeds(request), forced)


def refuse_undeclared(given: Mapping[str, object], taken: frozenset[str], path: str = "") -> Iterator[Violation]:
    """A violation for each member that is not among those taken. `path` is put before its name."""
    return (Violation(f"{path}{key}", _NOT_TAKEN) for key in given if key not in taken)


def _violations(request: Json) -> Iterator[Violation]:
    yield from refuse_undeclared(request, _TAKEN)
    for at, message in enumerate(request["messages"]):
        yield from _parts_refused(message.get("content"), f"messages[{at}].content")
    for at, tool in enumerate(request.get("tools") or []):
        yield from refuse_undeclared(tool, _TAKEN_OF_TOOL, f"tools[{at}].")
        yield from refuse_undeclared(tool["function"], _TAKEN_OF_FUNCTION, f"tools[{at}].function.")
    yield from refuse_undeclared(request.get("response_format") or {}, _TAKEN_OF_FORMAT, "response_format.")
    if set(request.get("modalities") or []) - {"text"}:
        yield Violation("modalities", "the embedded model answers text only")
    if (request.get("n") or 1) > MAX_CHOICES:
        yield Violation("n", f"must be at most {MAX_CHOICES} with the embedded model")


def _parts_refused(content: object, path: str) -> Iterator[Violation]:
    for at, part in enumerate(content if isinstance(content, list) else []):
        kind = part.get("type") if isinstance(part, dict) else None
        if kind != "text":
            yield Violation(f"{path}[{at}]", f"the embedded model reads text only, not {kind or 'this'}")


def _max_tokens(request: Json) -> int:
    asked = request.get("max_completion_tokens") or request.get("max_tokens") or MAX_REPLY_TOKENS
    return min(int(asked), MAX_REPLY_TOKENS)


def _seeds(request: Json) -> tuple[int | None, ...]:
    seed, count = request.get("seed"), request.get("n") or 1
    if seed is None:
        if count == 1:
            return (None,)
        seed = secrets.randbelow(_SEEDS)
    return tuple((int(seed) + at) % _SEEDS for at in range(count))
