"""Media that a request carries itself: data: URLs (RFC 2397) and bare base64, as Gemini's inlineData."""

import binascii
import mimetypes
import re
from typing import Final
from urllib.parse import unquote, unquote_to_bytes

import pybase64

from modelwire_service.errors import InvalidRequest
from modelwire_service.upstreams.base import Json

_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*")
_FORMAT: Final = re.compile(r"[a-z0-9.+-]+")
_ALIASES: Final = {"image/jpg": "image/jpeg", "audio/pcm16": "audio/pcm"}
_STANDARD: Final = str.maketrans("-_", "+/", " \t\r\n")


def inline(mime_type: str, data: str) -> Json:
    return {"inlineData": {"mimeType": _ALIASES.get(mime_type, mime_type), "data": data}}


def from_data_url(url: str, path: str) -> Json:
    """The part a data: URL stands for. Raises InvalidRequest for `path` if it is none, or has no media type."""
    head, comma, data = url[len("data:") :].partition(",")
    mime_type, *parameters = [item.strip().lower() for item in head.split(";")]
    if not comma or not _TYPE.fullmatch(mime_type):
        raise InvalidRequest.of(path, "must be a data: URL with a media type")
    if "base64" in parameters:
        return inline(mime_type, _checked(unquote(data) if "%" in data else data, path))
    return inline(mime_type, pybase64.b64encode_as_string(unquote_to_bytes(data)))


def from_audio(audio: Json, path: str) -> Json:
    """The part of an `input_audio`: base64, or a data: URL, whose media type stands above the format."""
    told, data = audio_type(audio, path), audio["data"]
    if data[:5].lower() != "data:":
        return inline(told, _checked(data, f"{path}.data"))
    part = from_data_url(data, f"{path}.data")
    if not part["inlineData"]["mimeType"].startswith("audio/"):
        raise InvalidRequest.of(f"{path}.data", "must be audio")
    return part


def audio_type(audio: Json, path: str) -> str:
    """The media type of an `input_audio`. Any format may be named; which of them a model hears is its own affair."""
    told = str(audio["format"]).lower()
    if not _FORMAT.fullmatch(told):
        raise InvalidRequest.of(f"{path}.format", "must be the name of an audio format, such as wav or mp3")
    return f"audio/{told}"


def from_file(file: Json, path: str) -> Json:
    """The part of a `file` that brings its data. Bare base64, which OpenAI takes too, is typed by its file name."""
    data = file["file_data"]
    if data[:5].lower() == "data:":
        return from_data_url(data, f"{path}.file_data")
    mime_type, _ = mimetypes.guess_type(file.get("filename") or "")
    if mime_type is None:
        raise InvalidRequest.of(
            f"{path}.file_data", "must be a data: URL, or base64 with a filename that tells its type"
        )
    return inline(mime_type, _checked(data, f"{path}.file_data"))


def _checked(data: str, path: str) -> str:
    """The data in the standard alphabet. Gemini itself would not tell which part of a request is wrong."""
    if not data:
        raise InvalidRequest.of(path, "must not be empty")
    if _is_base64(data):
        return data
    if not _is_base64(standard := data.translate(_STANDARD)):
        raise InvalidRequest.of(path, "must be base64")
    return standard


def _is_base64(data: str) -> bool:
    try:
        return bool(pybase64.b64decode(data + "=" * (-len(data) % 4), validate=True))
    except (binascii.Error, ValueError):
        return False
