"""The parts of a message, as Gemini's. Where what a part points to was fetched, it is given as `media`."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from modelwire_service.errors import InvalidRequest
from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.gemini.families import Family
from modelwire_service.upstreams.gemini.inline_data import from_audio, from_data_url, from_file
from modelwire_service.upstreams.gemini.signatures import signed

_WEB: Final = ("http://", "https://")
_FILE_NAME: Final = re.compile(r"files/[a-z0-9-]+")
_FILES_HOST: Final = "generativelanguage.googleapis.com"  # in the addresses of files, whatever stands in between
_FILE_PATH: Final = re.compile(r"/v\w+/files/[a-z0-9-]+")
_VIDEO_HOSTS: Final = ("youtube.com", "www.youtube.com", "m.youtube.com", "youtu.be")
RESOLUTIONS: Final = {
    "low": "MEDIA_RESOLUTION_LOW",
    "medium": "MEDIA_RESOLUTION_MEDIUM",
    "high": "MEDIA_RESOLUTION_HIGH",
    "ultra_high": "MEDIA_RESOLUTION_ULTRA_HIGH",
}
"""OpenAI's `detail` → Gemini's resolution, the least first. `auto` is to say nothing."""
_DETAILS: Final = ("auto", *RESOLUTIONS)


@dataclass(frozen=True, slots=True)
class PartReader:
    """Reads parts for a family of models. `files_url` is where the Files API is, `media` what was fetched, by URL."""

    family: Family
    files_url: str
    media: Mapping[str, Json]

    def parts(self, content: str | list[Json] | None, path: str) -> list[Json]:
        """The parts of a message's content. Empty texts say nothing, and Gemini refuses them: they are left out."""
        if isinstance(content, list):
            read = (self._part(part, f"{path}[{index}]") for index, part in enumerate(content))
            return [part for part in read if part.get("text") != "" or "thoughtSignature" in part]
        return [{"text": content}] if content else []

    def image(self, image: Json, path: str) -> Json:
        """The part of an `image_url`."""
        part = self._located(image["url"], f"{path}.url")
        detail = detail_of(image, path)
        if self.family.has_resolution_of_parts and detail != "auto":
            part = part | {"mediaResolution": {"level": RESOLUTIONS[detail]}}
        return part

    def _part(self, part: Json, path: str) -> Json:
        match part["type"]:
            case "text":
                return signed({"text": part["text"]}, part)
            case "refusal":
                return {"text": part["refusal"]}
            case "image_url":
                return self.image(part["image_url"], f"{path}.image_url")
            case "input_audio":
                return from_audio(part["input_audio"], f"{path}.input_audio")
            case _:
                return self._file(part["file"], f"{path}.file")

    def _file(self, file: Json, path: str) -> Json:
        if file.get("file_data") is not None:
            return from_file(file, path)
        name = file["file_id"]
        if _FILE_NAME.fullmatch(name):
            version = urlsplit(self.files_url).path.removesuffix("files")
            return {"fileData": {"fileUri": f"https://{_FILES_HOST}{version}{name}"}}
        if not is_known_to_gemini(name, self.files_url):
            raise InvalidRequest.of(f"{path}.file_id", "must be a file of the Gemini Files API, such as files/abc")
        return {"fileData": {"fileUri": name}}

    def _located(self, url: str, path: str) -> Json:
        if url[:5].lower() == "data:":
            return from_data_url(url, path)
        if is_known_to_gemini(url, self.files_url):
            return {"fileData": {"fileUri": url}}
        if (fetched := self.media.get(url)) is not None:
            return fetched
        raise InvalidRequest.of(path, "must be a data: URL; Gemini models fetch none, and this server not from there")


def is_known_to_gemini(url: str, files_url: str) -> bool:
    """Whether Gemini itself reads what is there: files kept by its Files API, and videos of YouTube."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    if parts.scheme not in ("http", "https"):
        return False
    is_file = host in (_FILES_HOST, urlsplit(files_url).hostname) and _FILE_PATH.fullmatch(parts.path)
    return host in _VIDEO_HOSTS or bool(is_file)


def remote_images(messages: list[Json], files_url: str) -> Iterator[tuple[str, str]]:
    """The path and the URL of each image that is on the web, where Gemini does not read it."""
    for path, image in images_of(messages):
        url = image["url"]
        if url.lower().startswith(_WEB) and not is_known_to_gemini(url, files_url):
            yield f"{path}.url", url


def images_of(messages: list[Json]) -> Iterator[tuple[str, Json]]:
    """Each `image_url` in the conversation, after its path."""
    for at, message in enumerate(messages):
        content = message.get("content")
        for index, part in enumerate(content if isinstance(content, list) else ()):
            if part.get("type") == "image_url":
                yield f"messages[{at}].content[{index}].image_url", part["image_url"]


def detail_of(image: Json, path: str) -> str:
    """How closely an image is looked at. Raises InvalidRequest for a word nobody has a meaning for."""
    detail: str = image.get("detail") or "auto"
    if detail not in _DETAILS:
        raise InvalidRequest.of(f"{path}.detail", f"must be one of {', '.join(_DETAILS)}")
    return detail
