"""Server-sent events, read from bytes as they come (WHATWG HTML, 9.2.6: interpreting an event stream).

Framing is on bytes, because the network splits characters, line ends and events anywhere; only whole
payloads are decoded, by whoever wants them. Each byte is looked at a fixed number of times, however small
the pieces are. Events as most servers write them, of one line each, are taken whole; any others line by line.
"""

from collections.abc import Mapping

from modelwire_service.errors import UpstreamProtocolError

_BOM = b"\xef\xbb\xbf"
_END = b"\n\n"  # of an event, as most servers write it


def is_event_stream(headers: Mapping[str, str]) -> bool:
    """Whether an answer with these headers, of lower-case names, is a stream of events."""
    return headers.get("content-type", "").lstrip().lower().startswith("text/event-stream")


class SseReader:
    """Turns pieces of an event stream into the data of its events.

    `error` is the data of the first event named so, None until one came; no event after it counts. It is also the
    value of a field of that name, in which llama-server told its errors until 2025. Other fields than these, `data`
    and `event` are ignored, and so are events without data. An event over `max_event_bytes` raises
    UpstreamProtocolError.
    """

    def __init__(self, max_event_bytes: int = 32 << 20) -> None:
        self.error: bytes | None = None
        self.between = True
        """Whether what comes begins an event that counts, after the end of another."""
        self._max_event_bytes = max_event_bytes
        self._line = bytearray()  # the line whose end has not come
        self._data: list[bytes] = []  # data lines of the event whose end has not come
        self._data_bytes = 0
        self._is_error = False  # the event whose end has not come is named `error`
        self._at_start = True
        self._after_cr = False  # a CR ended the last piece: an LF that begins the next is part of that line end

    def feed(self, piece: bytes) -> list[bytes]:
        """The data of each event that this piece completes; several data lines are joined by LF."""
        events: list[bytes] = []
        at = 0
        while at < len(piece):
            found, at = self.step(piece, at)
            events += found
        return events

    def step(self, piece: bytes, at: int) -> tuple[list[bytes], int]:
        """The data of the events in a part of a piece, one as a rule, from `at` up to the place that is returned, too.

        The next step must go on from there, if that is not the end of the piece.
        """
        end = piece.find(_END, at)
        if end < 0:
            return self._read(piece[at:]), len(piece)
        if piece.startswith(b"data: ", at) and end - at <= self._max_event_bytes and self.between:
            event = piece[at + 6 : end]
            if event[:1] > b" " and b"\n" not in event and b"\r" not in event:
                self._at_start = False
                return [event], end + len(_END)
        return self._read(piece[at : end + len(_END)]), end + len(_END)

    def _read(self, piece: bytes) -> list[bytes]:
        """The data of the events that this piece completes."""
        *ended, rest = self._with_lf(piece).split(b"\n")
        events: list[bytes] = []
        for line in ended:
            if self._line:
                self._line += line
                line = bytes(self._line)
                self._line.clear()
            self._read_line(line, events)
        if rest:
            self._line += rest
            self._check_size(len(self._line))
        self.between = not (self._line or self._data or self._is_error or self._after_cr) and self.error is None
        return events

    def close(self) -> list[bytes]:
        """The data of a last event that the stream ended without an empty line."""
        events: list[bytes] = []
        self._read_line(bytes(self._line), events)
        self._read_line(b"", events)
        return events

    def _with_lf(self, piece: bytes) -> bytes:
        """The piece with LF as its only line end."""
        if self._after_cr and piece:
            self._after_cr = False
            piece = piece.removeprefix(b"\n")
        if b"\r" in piece:
            self._after_cr = piece.endswith(b"\r")
            return piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return piece

    def _read_line(self, line: bytes, events: list[bytes]) -> None:
        if self._at_start:
            self._at_start = False
            line = line.removeprefix(_BOM)
        if line.startswith(b"data:"):
            self._hold(line[6:] if line.startswith(b"data: ") else line[5:])
        elif line == b"data":
            self._hold(b"")
        elif not line:
            if self._data:
                self._end_event(events)
            self._is_error = False
        elif line.startswith(b"event:"):
            self._is_error = line[6:].strip() == b"error"
        elif line.startswith(b"error:") and self.error is None:
            self.error = line[6:].strip()

    def _end_event(self, events: list[bytes]) -> None:
        data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
        self._data.clear()
        self._data_bytes = 0
        if self.error is not None:
            return
        if self._is_error:
            self.error = data
        elif data.strip():
            events.append(data)

    def _hold(self, data: bytes) -> None:
        self._data.append(data)
        self._data_bytes += len(data) + len("data:\n")
        self._check_size(0)

    def _check_size(self, line_bytes: int) -> None:
        if self._data_bytes + line_bytes > self._max_event_bytes:
            raise UpstreamProtocolError(f"the upstream sent an event of more than {self._max_event_bytes} bytes")
