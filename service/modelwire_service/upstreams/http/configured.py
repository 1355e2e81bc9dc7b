"""The HTTP client that an upstream's settings ask for."""

from modelwire_service.tls.upstream import upstream_context
from modelwire_service.upstream_settings import UpstreamSettings
from modelwire_service.upstreams.http.base import HttpClient
from modelwire_service.upstreams.http.native.client import NativeClient
from modelwire_service.upstreams.http.proxy import Proxy


def configured_client(settings: UpstreamSettings) -> HttpClient:
    """Raises ValueError for a `ca_file` that cannot be used."""
    tls = upstream_context(settings.ca_file) if settings.ca_file is not None else None
    proxy = Proxy.parsed(settings.proxy.get_secret_value()) if settings.proxy is not None else None
    if settings.transport == "native" and proxy is None:
        return NativeClient(settings.timeouts, tls=tls)
    # Imported here: each costs a tenth of a second at start.
    if settings.transport == "httpx":
        from modelwire_service.upstreams.http.httpx_client import HttpxClient

        return HttpxClient(settings.timeouts, tls=tls, proxy=proxy)
    from modelwire_service.upstreams.http.aiohttp_client import AiohttpClient

    return AiohttpClient(settings.timeouts, tls=tls, proxy=proxy)
