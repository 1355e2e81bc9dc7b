"""What few messages of models have: speech, images, citations, signatures of thoughts, and what nobody declared."""

import binascii
from collections.abc import Callable
from typing import Any, Final

import pybase64
from modelwire.v1 import chat_pb2, tools_pb2

from modelwire_service.typed.content import put_image
from modelwire_service.typed.figures import put_extra, put_time
from modelwire_service.upstreams.answer_json import MAX_INT32
from modelwire_service.upstreams.base import Json

_AUDIO: Final = frozenset({"id", "data", "transcript", "expires_at"})
_CITED: Final = {"start_index": int, "end_index": int, "url": str, "title": str}

_Said = chat_pb2.ChatMessage | chat_pb2.ChatMessageDelta


def put_rare(into: _Said, rest: Json) -> None:
    """Puts the members of a message or a delta that few have. `rest` is changed."""
    for name, put in _RARE.items():
        if name in rest:
            put(into, rest)
    put_extra(into, rest, ())


def put_signature(into: _Said | tools_pb2.ToolCall | tools_pb2.ToolCallDelta, rest: Json) -> None:
    """Puts the thought signature, which is gone from `extra_content` then, and that too if it held nothing else."""
    extra = rest.get("extra_content")
    google = extra.get("google") if isinstance(extra, dict) else None
    told = google.get("thought_signature") if isinstance(google, dict) else None
    if not isinstance(extra, dict) or not isinstance(google, dict) or not isinstance(told, str):
        return
    into.thought_signature = told
    others = extra | {"google": {name: value for name, value in google.items() if name != "thought_signature"}}
    rest["extra_content"] = {name: value for name, value in others.items() if value} or None


def _put_audio(into: _Said, rest: Json) -> None:
    """Speech. Data that is no base64 stays JSON text, with all that stands beside it."""
    told = rest["audio"]
    if not isinstance(told, dict):
        return
    try:
        data = pybase64.b64decode(told.get("data") or "", validate=True)
    except (binascii.Error, ValueError):
        return
    del rest["audio"]
    into.audio.data = data
    into.audio.id = told.get("id") or ""
    into.audio.transcript = told.get("transcript") or ""
    into.audio.SetInParent()
    put_time(into.audio.expire_time, told.get("expires_at"))
    put_extra(into.audio, told, _AUDIO)


def _put_images(into: _Said, rest: Json) -> None:
    urls = [_url_of(item) for item in rest["images"] or ()]
    if all(isinstance(url, str) for url in urls):
        del rest["images"]
        for url in urls:
            put_image(into.images.add(), url)


def _url_of(item: Any) -> Any:
    image = item.get("image_url") if isinstance(item, dict) else None
    return image.get("url") if isinstance(image, dict) else None


def _put_citations(into: _Said, rest: Json) -> None:
    cited: list[Any] = [
        item.get("url_citation") if isinstance(item, dict) else None for item in rest["annotations"] or ()
    ]
    if all(isinstance(citation, dict) and all(map(_is_cited, citation.items())) for citation in cited):
        del rest["annotations"]
        into.url_citations.extend([chat_pb2.UrlCitation(**citation) for citation in cited])


def _is_cited(member: tuple[str, Any]) -> bool:
    name, value = member
    return type(value) is _CITED.get(name) and (type(value) is not int or 0 <= value <= MAX_INT32)


_RARE: Final[dict[str, Callable[[_Said, Json], None]]] = {
    "extra_content": put_signature,
    "audio": _put_audio,
    "images": _put_images,
    "annotations": _put_citations,
}
