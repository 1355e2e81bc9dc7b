"""What of a server's settings is one worker's.

What the operator sets holds for the whole server. Bounds that protect it are divided, so that those of all workers
together are what was set; limits of keys are not, because all workers count in one place.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from modelwire_service.settings import ConfigurationError, Settings
from modelwire_service.upstream_settings import UpstreamSettings

_AT_LEAST_ONE_EACH: Final = ("max_concurrent_calls", "max_connections")


def share(total: int, number: int, workers: int) -> int:
    """What worker `number`, from 1, gets of `total`; the first ones get one more where it cannot be divided."""
    return total // workers + (number <= total % workers)


def settings_of(settings: Settings, number: int, **addresses: str) -> Settings:
    """The settings of worker `number`, at these addresses."""
    workers = settings.workers
    parts: dict[str, Any] = {
        name: share(getattr(settings, name), number, workers) for name in (*_AT_LEAST_ONE_EACH, "max_queued_calls")
    }
    # A part too small for one request would refuse the largest of them for ever.
    whole = settings.max_request_bytes_in_flight
    least = min(whole, settings.max_request_bytes)
    parts["max_request_bytes_in_flight"] = max(least, share(whole, number, workers))
    parts["upstreams"] = tuple(_part(upstream, number, workers) for upstream in settings.upstreams)
    return settings.model_copy(update={**parts, **addresses})


def refuse_unshareable(settings: Settings, configured: Sequence[UpstreamSettings]) -> None:
    """Raises ConfigurationError where the workers of these settings cannot share what they have to."""
    if settings.workers > 1 and (complaints := list(_unshareable(settings, configured))):
        raise ConfigurationError(complaints)


def _unshareable(settings: Settings, configured: Sequence[UpstreamSettings]) -> Iterator[str]:
    workers = settings.workers
    told = f"cannot be divided among {workers} workers; give it {workers} at least, or have fewer workers"
    if settings.grpc_address.startswith("unix:"):
        yield "grpc_address: gRPC cannot share a socket file among workers; give it HOST:PORT, or have one worker"
    for name in _AT_LEAST_ONE_EACH:
        if (total := getattr(settings, name)) < workers:
            yield f"{name}: {total} {told}"
    for upstream in configured:
        if upstream.max_concurrent is not None and upstream.max_concurrent < workers:
            yield f"upstream {upstream.name}: max_concurrent: {upstream.max_concurrent} {told}"


def _part(upstream: UpstreamSettings, number: int, workers: int) -> UpstreamSettings:
    if upstream.max_concurrent is None:
        return upstream
    parts = {name: share(getattr(upstream, name), number, workers) for name in ("max_concurrent", "max_queued")}
    return upstream.model_copy(update=parts)
