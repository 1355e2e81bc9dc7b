"""What differs between two answers to one request, and between what the service saw of it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from google.protobuf import message_factory
from google.protobuf.message import DecodeError, Message
from side_by_side.echo import Received
from side_by_side.exchange import Request, Response

# HTTP's own: what frames this one answer, and when it was made.
_FRAMING = {"connection", "content-length", "content-type", "date", "transfer-encoding"}
# What the two cannot have in common: each names its own client, each request has an id.
_METADATA = {"user-agent", "x-request-id"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request at one of the gateways; `received` is None where the service never heard of it."""

    response: Response
    received: Received | None

    @property
    def status(self) -> int:
        return self.response.status


@dataclass(frozen=True, slots=True)
class Difference:
    """`what` differs: "status", "message", "body", "header x", "metadata x" …"""

    what: str
    envoy: Any
    ours: Any


@dataclass(frozen=True, slots=True)
class Pair:
    """The same request at Envoy and at modelwire, and all that differs."""

    request: Request
    envoy: Outcome
    ours: Outcome
    differences: tuple[Difference, ...]


def compared(request: Request, envoy: Outcome, ours: Outcome) -> Pair:
    return Pair(request, envoy, ours, tuple(_differences(request, envoy, ours)))


def _differences(request: Request, envoy: Outcome, ours: Outcome) -> Iterator[Difference]:
    """Of answers with different statuses, nothing else is worth a comparison."""
    their, our = envoy.response, ours.response
    if their.status != our.status:
        yield Difference("status", their.status, our.status)
    elif our.status >= 400 and not _is_ordered(request):
        # What both refuse is worded differently; the form is what can be compared.
        yield from _unequal({"refusal": (their.content_type, our.content_type)})
    else:
        yield from _received(envoy.received, ours.received)
        yield from _unequal({"content type": (their.content_type, our.content_type), "end": (their.whole, our.whole)})
        yield from _errors(their, our) if our.status >= 400 else _bodies(their, our)
        yield from _named("header", _headers(their), _headers(our))


def _is_ordered(request: Request) -> bool:
    """Whether the service does as it is told, and fails if it is told to."""
    return request.path == "/do" or request.path.startswith("/do-")


def _received(envoy: Received | None, ours: Received | None) -> Iterator[Difference]:
    if envoy is None or ours is None:
        yield from _unequal({"call": (envoy and envoy.rpc.name, ours and ours.rpc.name)})
        return
    yield from _unequal(
        {
            "call": (envoy.rpc.name, ours.rpc.name),
            "message": ([_canonical(envoy, m) for m in envoy.messages], [_canonical(ours, m) for m in ours.messages]),
        }
    )
    yield from _named("metadata", _metadata(envoy), _metadata(ours))


def _bodies(envoy: Response, ours: Response) -> Iterator[Difference]:
    if envoy.content_type == ours.content_type == "application/json":
        yield from _unequal({"body": (_json_form(envoy.body), _json_form(ours.body))})
    else:
        yield from _unequal({"body": (envoy.body, ours.body)})


def _errors(envoy: Response, ours: Response) -> Iterator[Difference]:
    """What is said of an error, in whichever shape."""
    theirs, mine = _parsed(envoy.body), _parsed(ours.body)
    if not isinstance(theirs, dict):
        yield Difference("error", envoy.body, mine)
        return
    error = mine.get("error", mine)
    yield from _unequal(
        {
            "error shape": (False, "error" in mine),
            "error message": (theirs.get("message", ""), error.get("message", "")),
            "error details": (theirs.get("details", []), error.get("details", [])),
        }
    )


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body


def _json_form(body: bytes) -> str | bytes:
    """One text for all that is equal as JSON: Python's own comparison takes true for 1."""
    try:
        return json.dumps(json.loads(body, parse_int=float), sort_keys=True)
    except ValueError:
        return body


def _canonical(received: Received, wire: bytes) -> str | bytes:
    """The message, in one form for all equal ones; the wire itself where it cannot be read."""
    try:
        message: Message = message_factory.GetMessageClass(received.rpc.input_type).FromString(wire)
    except DecodeError:
        return wire
    return message.SerializeToString(deterministic=True)


def _metadata(received: Received) -> dict[str, str | bytes]:
    return {name: value for name, value in received.metadata.items() if name not in _METADATA}


def _headers(response: Response) -> dict[str, str]:
    """What is not framing. Binary metadata without the padding of its base64, which may be there or not."""
    return {
        name: value.rstrip("=") if name.endswith("-bin") else value
        for name, value in response.headers.items()
        if name not in _FRAMING
    }


def _named(kind: str, envoy: dict[str, Any], ours: dict[str, Any]) -> Iterator[Difference]:
    names = sorted(envoy.keys() | ours.keys())
    yield from _unequal({f"{kind} {name}": (envoy.get(name), ours.get(name)) for name in names})


def _unequal(values: dict[str, tuple[Any, Any]]) -> Iterator[Difference]:
    return (Difference(what, envoy, ours) for what, (envoy, ours) in values.items() if envoy != ours)
