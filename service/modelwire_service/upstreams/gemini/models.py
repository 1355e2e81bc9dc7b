"""The models of a Gemini API, all pages of them."""

from typing import Any, Final
from urllib.parse import quote

from modelwire_service.errors import UpstreamProtocolError
from modelwire_service.upstreams.base import Json, Model
from modelwire_service.upstreams.gemini.wire import Wire

OWNER: Final = "google"
_PAGE: Final = 1_000  # the most the API gives at once
_MOST_PAGES: Final = 100
_ANSWERED_HERE: Final = ("generateContent", "embedContent", "batchEmbedContents")


async def all_models(wire: Wire) -> list[Model]:
    """Every model that chats or embeds, by its full name. Whoever lists them keeps the answer for a while."""
    found: dict[str, Model] = {}
    token = ""
    for _ in range(_MOST_PAGES):
        after = f"&pageToken={quote(token, safe='')}" if token else ""
        page, _ = await wire.call("GET", f"models?pageSize={_PAGE}{after}")
        for item in _items(page):
            found[item["name"]] = Model(item["name"], owned_by=OWNER)
        token = page.get("nextPageToken") or ""
        if not token:
            return list(found.values())
        if not isinstance(token, str):
            break
    raise UpstreamProtocolError("the upstream's list of models does not end")


def _items(page: Json) -> list[Json]:
    listed: Any = page.get("models") or []
    if not isinstance(listed, list):
        raise UpstreamProtocolError("the upstream's list of models is no list")
    named = [item for item in listed if isinstance(item, dict) and item.get("name") and isinstance(item["name"], str)]
    return [item for item in named if _is_of_use(item.get("supportedGenerationMethods"))]


def _is_of_use(methods: Any) -> bool:
    """Whether any method is one called here. A model that tells none is given the benefit of the doubt."""
    return not isinstance(methods, list) or any(method in methods for method in _ANSWERED_HERE)
