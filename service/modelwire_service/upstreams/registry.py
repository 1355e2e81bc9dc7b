"""Upstreams from their settings."""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from modelwire_service.dispatch.guard import Guard
from modelwire_service.model_catalog import ModelCatalog, Served
from modelwire_service.settings import ConfigurationError
from modelwire_service.upstream_settings import GEMINI_HOST, UpstreamSettings, gemini_host
from modelwire_service.upstreams.base import Upstream
from modelwire_service.upstreams.gemini.adapter import GeminiUpstream
from modelwire_service.upstreams.gemini.media import MediaFetcher
from modelwire_service.upstreams.http.configured import configured_client
from modelwire_service.upstreams.key_ring import KeyRing, Keys, PassedThrough
from modelwire_service.upstreams.openai.adapter import OpenAIUpstream
from modelwire_service.upstreams.openai.profiles import PROFILES, profile_for

if TYPE_CHECKING:
    from modelwire_service.upstreams.embedded.adapter import EmbeddedModels


def build_catalog(
    configured: Sequence[UpstreamSettings],
    environment: Mapping[str, str],
    source: Callable[[], float] = random.random,
    *,
    pass_through: bool = False,
    models: "EmbeddedModels | None" = None,
) -> ModelCatalog:
    """A catalog of all configured upstreams, not started. Raises ConfigurationError with every complaint.

    `source` gives numbers from 0 up to but not 1: chance, by which an upstream is chosen among those that serve one
    model, and waits are drawn. With `pass_through`, upstreams without a key of their own get that of each caller.
    `models` are the embedded ones, where they run elsewhere.
    """
    served, complaints = [], []
    for settings in configured:
        try:
            served.append(_served(settings, _upstream(settings, environment, pass_through, models), source))
        except ValueError as error:
            complaints.append(f"upstream {settings.name}: {error}")
    if complaints:
        raise ConfigurationError(complaints)
    return ModelCatalog(served, source)


def _served(settings: UpstreamSettings, upstream: Upstream, source: Callable[[], float]) -> Served:
    guard = Guard(settings.policy, chance=source)
    return Served(upstream, settings.models, settings.aliases, settings.weight, guard)


def _upstream(
    settings: UpstreamSettings, environment: Mapping[str, str], pass_through: bool, models: "EmbeddedModels | None"
) -> Upstream:
    if settings.kind == "embedded":
        return _embedded(settings, models)
    own = settings.keys(environment)
    keys = PassedThrough() if pass_through and not own else KeyRing(own)
    if settings.kind == "gemini":
        return _gemini(settings, keys)
    return OpenAIUpstream(
        settings.name,
        base_url=settings.base_url or "",
        api_key=keys,
        client=configured_client(settings),
        profile=PROFILES[settings.profile] if settings.profile else profile_for(settings.base_url or ""),
    )


def _gemini(settings: UpstreamSettings, keys: Keys) -> Upstream:
    return GeminiUpstream(
        settings.name,
        base_url=gemini_host(settings.base_url or GEMINI_HOST, settings.api_version),
        api_key=keys,
        client=configured_client(settings),
        api_version=settings.api_version,
        media=_media(settings) if settings.allowed_media_hosts else None,
    )


def _media(settings: UpstreamSettings) -> MediaFetcher:
    """Over aiohttp whatever the transport: it alone lets the addresses of a name be checked as they are used."""
    from aiohttp import DefaultResolver

    from modelwire_service.upstreams.http.aiohttp_client import AiohttpClient
    from modelwire_service.upstreams.http.public_resolver import PublicResolver

    client = AiohttpClient(settings.timeouts, resolver=lambda: PublicResolver(DefaultResolver()))
    return MediaFetcher(client, settings.allowed_media_hosts)


def _embedded(settings: UpstreamSettings, models: "EmbeddedModels | None") -> Upstream:
    # Imported here: a server with remote upstreams alone neither has nor needs these packages.
    from modelwire_service.upstreams.embedded.adapter import EmbeddedUpstream
    from modelwire_service.upstreams.embedded.packages import embedded_packages_missing, what_to_install

    if missing := embedded_packages_missing():
        raise ValueError(f"{what_to_install(missing)}. Or set GEMINI_API_KEY or OPENAI_BASE_URL.")
    return EmbeddedUpstream(settings.name, models)
