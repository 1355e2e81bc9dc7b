"""The parts of messages: from messages to OpenAI's JSON, and images back."""

import re
from typing import Any, Final

import pybase64
from modelwire.v1 import content_pb2

from modelwire_service.typed.fields import EXTRA, Convert, extra, one_of, signature, word_of
from modelwire_service.typed.json_texts import Texts
from modelwire_service.typed.words import DETAILS
from modelwire_service.upstreams.base import Json
from modelwire_service.validation.report import Path

_DECLARED: Final = frozenset({"type", "text", "image_url", "input_audio", "file", "refusal"})
_DATA_URL: Final = re.compile(r"data:([\w.+-]+/[\w.+-]+);base64,([A-Za-z0-9+/]+={0,2})").fullmatch
_detail: Final = word_of(DETAILS)
_extra: Final = extra(_DECLARED)


def parts(given: Json, path: Path, texts: Texts) -> list[Json]:
    """A ContentParts as a list of parts."""
    return [_part(item, (*path, "items", at), texts) for at, item in enumerate(given.get("items", ()))]


def image(given: Json, path: Path, texts: Texts) -> Json:
    """An Image as the value of `image_url`."""
    said: Json = {"url": _source(given, path, texts)}
    if "detail" in given:
        said["detail"] = _detail(given["detail"], (*path, "detail"), texts)
    return said


def put_image(into: content_pb2.Image, url: str) -> None:
    """Puts the image at a URL. What a `data:` URL holds goes into the message itself, where that can be read."""
    found = _DATA_URL(url)
    if found is None or len(found[2]) % 4:
        into.url = url
    else:
        into.inline_data.mime_type = found[1]
        into.inline_data.data = pybase64.b64decode(found[2])


def _part(given: Json, path: Path, texts: Texts) -> Json:
    part: Json = _kind(given, path, texts) or {}
    if "thought_signature" in given:
        signature(part, "thought_signature", given["thought_signature"], path, texts)
    if EXTRA in given:
        _extra(part, EXTRA, given[EXTRA], path, texts)
    return part


def _text(value: str, path: Path, texts: Texts) -> Json:
    return {"type": "text", "text": value}


def _image(given: Json, path: Path, texts: Texts) -> Json:
    return {"type": "image_url", "image_url": image(given, path, texts)}


def _audio(given: Json, path: Path, texts: Texts) -> Json:
    return {"type": "input_audio", "input_audio": {"data": given.get("data", ""), "format": given.get("format", "")}}


def _file(given: Json, path: Path, texts: Texts) -> Json:
    said = _file_source(given, path, texts) or {}
    return {"type": "file", "file": said | ({"filename": given["filename"]} if "filename" in given else {})}


def _refusal(value: str, path: Path, texts: Texts) -> Json:
    return {"type": "refusal", "refusal": value}


def _data_url(given: Json, path: Path, texts: Texts) -> str:
    for name in ("mime_type", "data"):
        if name not in given:
            texts.report.add((*path, name), "is required")
    return f"data:{given.get('mime_type', '')};base64,{given.get('data', '')}"


def _as_it_is(value: Any, path: Path, texts: Texts) -> Any:
    return value


_kind: Final[Convert] = one_of({"text": _text, "image": _image, "audio": _audio, "file": _file, "refusal": _refusal})
_source: Final[Convert] = one_of({"url": _as_it_is, "inline_data": _data_url})
_file_source: Final[Convert] = one_of(
    {
        "file_id": lambda value, path, texts: {"file_id": value},
        "inline_data": lambda value, path, texts: {"file_data": _data_url(value, path, texts)},
    }
)
