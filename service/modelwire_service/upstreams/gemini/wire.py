"""The Gemini API over HTTP: addresses and the key."""

import re
from typing import Final
from urllib.parse import quote

from modelwire_service.errors import ModelNotFound
from modelwire_service.upstreams.gemini.errors import refusal_in, refusal_of
from modelwire_service.upstreams.http.base import HttpClient
from modelwire_service.upstreams.json_server import JsonServer
from modelwire_service.upstreams.key_ring import Keys, keys_of

_MODEL: Final = re.compile(r"(?!\.)[\w.@:-]+(?:/(?!\.)[\w.@:-]+)*")  # no empty segment, none that begins with a dot


class Wire(JsonServer):
    """One Gemini API. `base_url` is its host. The key goes into a header, and into no URL.

    Raises ValueError if `base_url` is no plain HTTP URL.
    """

    def __init__(self, base_url: str, api_version: str, api_key: str | Keys | None, client: HttpClient) -> None:
        super().__init__(
            f"{base_url.rstrip('/')}/{api_version}",
            client,
            keys=keys_of(api_key),
            key_headers=lambda key: {"x-goog-api-key": key},
            refusal_of=refusal_of,
            refusal_in=refusal_in,
        )

    @property
    def files_url(self) -> str:
        """Where this API keeps files."""
        return f"{self.root}/files"


def model_path(model: str) -> str:
    """The path of a model: `models/` is put before a name without a slash. Raises ModelNotFound for what is no path."""
    if not _MODEL.fullmatch(model):
        raise ModelNotFound(model, [])
    return quote(model if "/" in model else f"models/{model}", safe="/@:")
