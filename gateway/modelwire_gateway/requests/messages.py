"""From the body of a streamed request, piece by piece, to its messages in wire form. Nothing here waits.

What path and query bind goes into the first message. Where the body brings none, it is a message by itself, so
that what the caller said is not lost.
"""

from collections.abc import Callable, Iterator
from typing import Final, Protocol

from modelwire_gateway.json_codec import JsonError, JsonValue, length_delimited, parse_json
from modelwire_gateway.requests.json_sequence import Cutter
from modelwire_gateway.requests.refusals import invalid, too_large, unexpected_body

Encode = Callable[[JsonValue, str], bytes]
"""The wire of an element: its value, and the path at which it stands."""

_PIECE_BYTES: Final = 2**20


class RequestMessages(Protocol):
    """The messages that a body is made into. What it raises is RpcFailure."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The messages that `data` completes. To be exhausted before more is fed."""
        ...

    def finish(self) -> Iterator[bytes]:
        """The messages that the end of the body completes."""
        ...


class JsonMessages:
    """One message for each JSON value. `bound` is the wire of what path and query bind.

    Neither a value nor the message made of it may be longer than `max_bytes`; the stream may be.
    """

    def __init__(self, cutter: Cutter, encode: Encode, bound: bytes, max_bytes: int) -> None:
        self._cutter = cutter
        self._encode = encode
        self._bound = bound
        self._max_bytes = max_bytes
        self._count = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        yield from self._messages(self._cutter.feed(data))
        self._check_size(self._cutter.pending)

    def finish(self) -> Iterator[bytes]:
        yield from self._messages(self._cutter.finish())
        if self._bound:
            yield self._bound

    def _messages(self, elements: Iterator[bytes]) -> Iterator[bytes]:
        try:
            for element in elements:
                self._check_size(len(element))
                yield self._message(element)
        except JsonError as error:
            raise invalid(error.path, error.reason) from None

    def _message(self, element: bytes) -> bytes:
        place = f"[{self._count}]"
        try:
            value = parse_json(element)
        except JsonError as error:
            raise error.below(place) from None
        wire = self._encode(value, place) + self._bound
        self._check_size(len(wire))
        self._bound = b""
        self._count += 1
        return wire

    def _check_size(self, size: int) -> None:
        if size > self._max_bytes:
            raise too_large(self._max_bytes, f"message [{self._count}]")


class HttpBodyMessages:
    """The body as google.api.HttpBody messages, each in a message's field `number` if there is one.

    A piece of the body is a message, or several where it is longer than a MiB or than half of `max_bytes`. The
    content type is in the first alone (google/api/httpbody.proto).
    """

    def __init__(self, content_type: str, number: int | None, bound: bytes, max_bytes: int) -> None:
        self._content_type = length_delimited(1, content_type.encode()) if content_type else b""
        self._number = number
        self._bound = bound
        self._piece_bytes = min(_PIECE_BYTES, max(1, max_bytes // 2))

    def feed(self, data: bytes) -> Iterator[bytes]:
        for start in range(0, len(data), self._piece_bytes):
            yield self._message(length_delimited(2, data[start : start + self._piece_bytes]))

    def finish(self) -> Iterator[bytes]:
        if self._content_type or self._bound:
            yield self._message(b"")

    def _message(self, data: bytes) -> bytes:
        wire = inside_field(self._number, self._content_type + data) + self._bound
        self._content_type = self._bound = b""
        return wire


def inside_field(number: int | None, wire: bytes) -> bytes:
    """A message's wire as the value of the field `number`; as it is without one."""
    return wire if number is None else length_delimited(number, wire)


class BodylessMessages:
    """The one message that path and query make where the rule takes no body."""

    def __init__(self, bound: bytes) -> None:
        self._bound = bound

    def feed(self, data: bytes) -> Iterator[bytes]:
        if data:
            raise unexpected_body()
        yield from ()

    def finish(self) -> Iterator[bytes]:
        yield self._bound
