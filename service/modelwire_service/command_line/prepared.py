"""All of a server that can be judged before anything listens, so that every complaint is told at once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from modelwire_service.exposure import exposed_doors, keys_given_away, unguarded_doors
from modelwire_service.model_catalog import ModelCatalog
from modelwire_service.settings import ConfigurationError, Settings, upstreams_of
from modelwire_service.storage.errors import StorageError
from modelwire_service.storage.storage import Storage
from modelwire_service.storage.urls import check_url
from modelwire_service.tls.server import ServerCertificates, server_certificates
from modelwire_service.upstream_settings import UpstreamSettings
from modelwire_service.upstreams.registry import build_catalog

if TYPE_CHECKING:
    from modelwire_service.upstreams.embedded.adapter import EmbeddedModels

Part = TypeVar("Part")


@dataclass(frozen=True, slots=True)
class Prepared:
    """The upstreams, as configured and as made; the certificates of the doors, None where they are plain."""

    configured: tuple[UpstreamSettings, ...]
    catalog: ModelCatalog
    certificates: ServerCertificates | None


class Complaints:
    """Gathers what is wrong with the parts of a configuration."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def made(self, make: Callable[[], Part]) -> Part | None:
        """What `make` makes; None where it raised a complaint instead."""
        try:
            return make()
        except ConfigurationError as error:
            self.found += error.complaints
        except StorageError as error:
            self.found.append(str(error))
        return None

    def tell(self) -> None:
        """Raises ConfigurationError with all of them, if there are any."""
        if self.found:
            raise ConfigurationError(self.found)


def prepare(settings: Settings, environment: Mapping[str, str], models: "EmbeddedModels | None" = None) -> Prepared:
    """Raises ConfigurationError with every complaint there is.

    `models` are the embedded ones, where they run elsewhere.
    """
    complaints = Complaints()
    configured = complaints.made(lambda: upstreams_of(settings, environment)) or ()
    pass_through = settings.auth == "pass-through"
    catalog = complaints.made(lambda: build_catalog(configured, environment, pass_through=pass_through, models=models))
    certificates = complaints.made(lambda: server_certificates(settings))
    if (redis := settings.redis) is not None:
        complaints.made(lambda: _check_redis(redis.get_secret_value()))
    complaints.found += complaints.made(lambda: _complaints_about_doors(settings)) or []
    if not complaints.found:
        complaints.found += keys_given_away(settings, configured, environment)
    complaints.tell()
    assert catalog is not None  # noqa: S101 - where it is None there was a complaint
    return Prepared(configured, catalog, certificates)


def storage_of(settings: Settings) -> Storage:
    """The database of keys and usage, not opened."""
    return Storage(settings.database.get_secret_value() if settings.database else None)


def _complaints_about_doors(settings: Settings) -> list[str]:
    """Looks for keys where it matters whether there are any. Raises StorageError."""
    if settings.database is not None:
        check_url(settings.database.get_secret_value())
    if settings.auth not in ("auto", "keys") or not exposed_doors(settings):
        return []
    storage = storage_of(settings)
    try:
        return [] if storage.known_keys().all() else list(unguarded_doors(settings))
    finally:
        storage.close()


def _check_redis(url: str) -> None:
    try:
        # Imported here: it costs half a second at start, and few have one.
        from modelwire_service.limits.redis_connection import RedisConnection

        RedisConnection(url, ())
    except ImportError:
        raise ConfigurationError(["redis: needs redis-py; install it with `pip install 'modelwire[redis]'`"]) from None
    except ValueError as error:
        raise ConfigurationError([f"redis: {error}"]) from None
