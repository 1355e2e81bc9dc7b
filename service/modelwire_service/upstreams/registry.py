"""Upstreams from their settings."""

from collections.abc import Mapping, Sequence

from modelwire_service.model_catalog import ModelCatalog, Served
from modelwire_service.settings import ConfigurationError
from modelwire_service.upstream_settings import UpstreamSettings
from modelwire_service.upstreams.base import Upstream
from modelwire_service.upstreams.http.base import HttpClient
from modelwire_service.upstreams.openai import OpenAIUpstream


def build_catalog(configured: Sequence[UpstreamSettings], environment: Mapping[str, str]) -> ModelCatalog:
    """A catalog of all configured upstreams, not started. Raises ConfigurationError with every complaint."""
    served, complaints = [], []
    for settings in configured:
        try:
            served.append(Served(_upstream(settings, environment), settings.models, settings.aliases))
        except ValueError as error:
            complaints.append(f"upstream {settings.name}: {error}")
    if complaints:
        raise ConfigurationError(complaints)
    return ModelCatalog(served)


def _upstream(settings: UpstreamSettings, environment: Mapping[str, str]) -> Upstream:
    if settings.kind == "embedded":
        return _embedded(settings)
    return OpenAIUpstream(
        settings.name,
        base_url=settings.base_url or "",
        api_key=settings.key(environment),
        client=_client(settings),
    )


def _client(settings: UpstreamSettings) -> HttpClient:
    # Imported here: each costs a tenth of a second at start, and one of them is enough.
    if settings.transport == "httpx":
        from modelwire_service.upstreams.http.httpx_client import HttpxClient

        return HttpxClient(settings.timeouts)
    from modelwire_service.upstreams.http.aiohttp_client import AiohttpClient

    return AiohttpClient(settings.timeouts)


def _embedded(settings: UpstreamSettings) -> Upstream:
    # Imported here: a server with remote upstreams alone neither has nor needs these packages.
    from modelwire_service.upstreams.embedded import EmbeddedUpstream
    from modelwire_service.upstreams.embedded.packages import embedded_packages_missing, what_to_install

    if missing := embedded_packages_missing():
        raise ValueError(f"{what_to_install(missing)}. Or set GEMINI_API_KEY or OPENAI_BASE_URL.")
    return EmbeddedUpstream(settings.name)
