"""The parts of a message, as Gemini's. What a part points to is given as `media`, where it was fetched."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from modelwire_service.errors import InvalidRequest
from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.gemini.families import Family
from modelwire_service.upstreams.gemini.inline_data import from_audio, from_data_url, from_file
from modelwire_service.upstreams.gemini.remote_media import FILES_HOST, is_known_to_gemini, is_on_web
from modelwire_service.upstreams.gemini.signatures import signed

_FILE_NAME: Final = re.compile(r"files/[a-z0-9-]+")
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
    """Reads parts for a family of models. `files_url` is where the Files API is, `media` what was fetched, by path."""

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
                return self._audio(part["input_audio"], f"{path}.input_audio")
            case _:
                return self._file(part["file"], f"{path}.file")

    def _audio(self, audio: Json, path: str) -> Json:
        url = audio["data"]
        return self._on_web(url, f"{path}.data") if is_on_web(url) else from_audio(audio, path)

    def _file(self, file: Json, path: str) -> Json:
        if (data := file.get("file_data")) is not None:
            return self._on_web(data, f"{path}.file_data") if is_on_web(data) else from_file(file, path)
        name = file["file_id"]
        if _FILE_NAME.fullmatch(name):
            version = urlsplit(self.files_url).path.removesuffix("files")
            return {"fileData": {"fileUri": f"https://{FILES_HOST}{version}{name}"}}
        if not is_known_to_gemini(name, self.files_url):
            raise InvalidRequest.of(f"{path}.file_id", "must be a file of the Gemini Files API, such as files/abc")
        return {"fileData": {"fileUri": name}}

    def _located(self, url: str, path: str) -> Json:
        return from_data_url(url, path) if url[:5].lower() == "data:" else self._on_web(url, path)

    def _on_web(self, url: str, path: str) -> Json:
        if is_known_to_gemini(url, self.files_url):
            return {"fileData": {"fileUri": url}}
        if (fetched := self.media.get(path)) is not None:
            return fetched
        raise InvalidRequest.of(path, "must be a data: URL; Gemini models fetch none, and this server not from there")


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
