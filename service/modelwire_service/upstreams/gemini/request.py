"""A chat request in OpenAI's JSON, as the body of Gemini's generateContent."""

from collections.abc import Mapping

from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.gemini.contents import conversation
from modelwire_service.upstreams.gemini.extra_body import google_members
from modelwire_service.upstreams.gemini.families import family_of
from modelwire_service.upstreams.gemini.generation_config import generation_config
from modelwire_service.upstreams.gemini.parts import PartReader
from modelwire_service.upstreams.gemini.tools import tool_members


def generate_request(request: Json, *, files_url: str, media: Mapping[str, Json]) -> Json:
    """The body that asks for what a valid request asks for.

    `files_url` is where this API keeps files, `media` what was fetched, as parts, by the path of what points to it.
    What Gemini cannot do is refused before (`refusals`). Raises InvalidRequest for what of the rest its model cannot.
    """
    family = family_of(request["model"])
    google = google_members(request)
    body = conversation(request["messages"], family, PartReader(family, files_url, media))
    body |= tool_members(request, family)
    if config := generation_config(request, family, google):
        body["generationConfig"] = config
    body |= {name: google[name] for name in ("safetySettings", "cachedContent") if name in google}
    return body | _handling(request)


def _handling(request: Json) -> Json:
    """How the call is handled. `auto` leaves the tier to Gemini: nobody pays for priority who did not ask for it."""
    members: Json = {}
    if (tier := request.get("service_tier", "auto")) != "auto":
        members["serviceTier"] = "standard" if tier == "default" else tier
    if "store" in request:
        members["store"] = request["store"]
    return members
