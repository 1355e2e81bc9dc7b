"""Where a conversation points to the web, and what of it is fetched for Gemini, which does not look there.

Images, audio and files may be anywhere, by the URL in the place of their data. What Gemini reads itself, files kept by
its Files API and videos of YouTube, is passed on as a URL.
"""

import mimetypes
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.gemini.inline_data import audio_type

_WEB: Final = ("http://", "https://")
FILES_HOST: Final = "generativelanguage.googleapis.com"
"""In the addresses of files, whatever stands in between."""
_FILE_PATH: Final = re.compile(r"/v\w+/files/[a-z0-9-]+")
_VIDEO_HOSTS: Final = ("youtube.com", "www.youtube.com", "m.youtube.com", "youtu.be")


@dataclass(frozen=True, slots=True)
class Kind:
    """The media types a part may be of, and what a refusal calls them."""

    types: re.Pattern[str]
    called: str


IMAGE: Final = Kind(re.compile(r"(?:image|video|audio)/[\w.+-]+|application/pdf"), "an image")
AUDIO: Final = Kind(re.compile(r"audio/[\w.+-]+"), "audio")
FILE: Final = Kind(re.compile(r"[\w.+-]+/[\w.+-]+"), "a file of a known type")


@dataclass(frozen=True, slots=True)
class Remote:
    """What is on the web: the field that says so, and the media type the caller tells, for hosts that tell none."""

    path: str
    url: str
    kind: Kind = IMAGE
    told: str | None = None


def remote_media(messages: list[Json], files_url: str) -> Iterator[Remote]:
    """What is to be fetched for a conversation. `files_url` is where the Files API is.

    Raises InvalidRequest for audio of a format that cannot be.
    """
    for at, message in enumerate(messages):
        content = message.get("content")
        for index, part in enumerate(content if isinstance(content, list) else ()):
            if (read := _READERS.get(part["type"])) is None:
                continue
            remote = read(part[part["type"]], f"messages[{at}].content[{index}].{part['type']}")
            if remote is not None and not is_known_to_gemini(remote.url, files_url):
                yield remote


def _image(image: Json, path: str) -> Remote | None:
    return Remote(f"{path}.url", url) if is_on_web(url := image["url"]) else None


def _audio(audio: Json, path: str) -> Remote | None:
    return Remote(f"{path}.data", url, AUDIO, audio_type(audio, path)) if is_on_web(url := audio["data"]) else None


def _file(file: Json, path: str) -> Remote | None:
    if not is_on_web(url := file.get("file_data") or ""):
        return None
    return Remote(f"{path}.file_data", url, FILE, _type_by_name(file.get("filename"), url))


_READERS: Final = {"image_url": _image, "input_audio": _audio, "file": _file}
"""By the type of a part, which is also the name of the member it is in."""


def _type_by_name(name: str | None, url: str) -> str | None:
    return mimetypes.guess_type(name or "")[0] or mimetypes.guess_type(_path_of(url))[0]


def _path_of(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:
        return ""


def is_on_web(url: str) -> bool:
    return url[:8].lower().startswith(_WEB)


def is_known_to_gemini(url: str, files_url: str) -> bool:
    """Whether Gemini itself reads what is there."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    if parts.scheme not in ("http", "https"):
        return False
    is_file = host in (FILES_HOST, urlsplit(files_url).hostname) and _FILE_PATH.fullmatch(parts.path)
    return host in _VIDEO_HOSTS or bool(is_file)
