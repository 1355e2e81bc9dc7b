"""Bodies and events of OpenAI-compatible servers, read as JSON with bounds on size and depth."""

from collections.abc import Iterable
from typing import Any

import orjson

from modelwire_service.errors import InvalidRequest, UpstreamProtocolError
from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.http.base import Response

MAX_ANSWER_BYTES = 64 << 20
MAX_INT32 = (1 << 31) - 1  # what the contract's counts can hold
MAX_DEPTH = 100  # orjson reads 1,024 levels and writes 254; nobody means more than these


async def read_body(response: Response, limit: int = MAX_ANSWER_BYTES) -> bytes:
    """The whole body. Raises UpstreamProtocolError if it is over `limit` bytes."""
    pieces: list[bytes] = []
    size = 0
    async for piece in response.pieces():
        pieces.append(piece)
        size += len(piece)
        if size > limit:
            raise UpstreamProtocolError(f"the upstream's answer is over {limit} bytes")
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def loads(data: bytes) -> Any:
    """Raises UpstreamProtocolError if `data` is no JSON, or nested more than MAX_DEPTH deep."""
    try:
        value = orjson.loads(data)
    except ValueError:
        raise UpstreamProtocolError("the upstream sent what is not JSON") from None
    # Brackets are looked at first, because that is fast and nearly always enough.
    if _has_many_openings(data) and _deeper_than(value, MAX_DEPTH):
        raise UpstreamProtocolError(f"the upstream sent JSON nested more than {MAX_DEPTH} deep")
    return value


def dumps(request: Json) -> bytes:
    """Raises InvalidRequest for what JSON cannot hold: lone surrogates, integers over 64 bits."""
    try:
        return orjson.dumps(request)
    except TypeError as error:
        raise InvalidRequest.of("", "cannot be written as JSON") from error


def malformed(where: str, wanted: str) -> UpstreamProtocolError:
    """The error of an answer in which what stands at `where` is not what is wanted there."""
    return UpstreamProtocolError(f"the upstream's answer is malformed: {where} is not {wanted}")


def choice_index(choice: Json, position: int) -> int:
    """The index of a choice, or its position where the server leaves that out or says null.

    Raises UpstreamProtocolError for an index that is no number from 0 to MAX_INT32.
    """
    index = choice.get("index")
    if type(index) is int and 0 <= index <= MAX_INT32:
        return index
    if index is None:
        return position
    number = number_in(index)
    if number is None or not 0 <= number <= MAX_INT32 or (isinstance(index, float) and index != number):
        raise malformed("an index", "a whole number")
    return number


def settle_indexes(choices: list[Json], *, whole: bool) -> None:
    """Gives each choice an index, in place: proto3's JSON leaves 0 out, so those without one get the first free.

    In a whole answer no two choices are one: where an index comes twice, all have their places for indexes. In a
    chunk they are two pieces of the same. Raises UpstreamProtocolError for an index that is no number.
    """
    if len(choices) == 1:
        choices[0]["index"] = choice_index(choices[0], 0)
        return
    told = [choice_index(choice, -1 - at) for at, choice in enumerate(choices)]
    taken = {index for index in told if index >= 0}
    if whole and len(set(told)) < len(told):
        told, taken = list(range(len(told))), set()
    free = (index for index in range(len(told)) if index not in taken)
    for index, choice in zip(told, choices, strict=True):
        choice["index"] = index if index >= 0 else next(free)


def as_int(value: object) -> int:
    """The number in a value; 0 if there is none."""
    return number_in(value) or 0


def as_count(value: object) -> int:
    """As `count_in`; 0 if it is no number."""
    return count_in(value) or 0


def count_in(value: object) -> int | None:
    """A number of things, from 0 to MAX_INT32; what is beyond either end is that end. None if it is no number."""
    number = number_in(value)
    return None if number is None else min(max(number, 0), MAX_INT32)


def sum_of(counts: Iterable[int | None]) -> int | None:
    """The sum of what is known, MAX_INT32 at most; None if nothing is."""
    known = [count for count in counts if count is not None]
    return min(sum(known), MAX_INT32) if known else None


def number_in(value: object) -> int | None:
    """A number that servers also send as text or as a float; None if it is none, or none of 64 bits with a sign."""
    if type(value) is int:
        number: int | None = value
    elif isinstance(value, str):
        number = int(value) if value.isascii() and value.isdigit() and len(value) < 20 else None
    elif isinstance(value, float):
        number = int(value) if abs(value) < 1 << 63 else None
    else:
        number = None
    return number if number is not None and -1 << 63 <= number < 1 << 63 else None


def _has_many_openings(data: bytes) -> bool:
    """Whether more than MAX_DEPTH objects and lists begin in `data`, those within texts among them.

    Most of a long answer is text, which `find` passes many times faster than `count` does.
    """
    openings = 0
    for bracket in (b"{", b"["):
        at = data.find(bracket)
        while at >= 0 and openings <= MAX_DEPTH:
            openings += 1
            at = data.find(bracket, at + 1)
    return openings > MAX_DEPTH


def _deeper_than(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit + 1):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return False
    return True


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [child for child in value.values() if isinstance(child, (dict, list))]
    return [child for child in value if isinstance(child, (dict, list))] if isinstance(value, list) else []
