"""Speech in answers: Gemini gives samples, and OpenAI's clients want them as asked for."""

import re
import struct
from typing import Final

import pybase64

_RATE: Final = re.compile(r"rate=(\d{4,6})")
_CUSTOMARY_RATE: Final = 24_000  # samples a second
_BYTES_A_SAMPLE: Final = 2


def in_format(samples: bytes | bytearray, mime_type: str, wanted: str | None) -> str:
    """Audio in base64: `pcm16` is what Gemini gives, `wav` the same behind a header that names its rate."""
    is_bare = "l16" in mime_type.lower() or "pcm" in mime_type.lower()
    if wanted == "wav" and is_bare:
        samples = _header(len(samples), mime_type) + samples
    return pybase64.b64encode_as_string(samples)


def _header(size: int, mime_type: str) -> bytes:
    """The header of a WAVE file of one channel (RIFF, Microsoft and IBM, 1991)."""
    found = _RATE.search(mime_type)
    rate = int(found[1]) if found else _CUSTOMARY_RATE
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, rate * _BYTES_A_SAMPLE, _BYTES_A_SAMPLE, 16)
    return struct.pack("<4sI4s", b"RIFF", 36 + size, b"WAVE") + form + struct.pack("<4sI", b"data", size)
