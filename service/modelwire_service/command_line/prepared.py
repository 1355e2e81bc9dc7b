"""All of a server that can be judged before anything listens, so that every complaint is told at once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from modelwire_service.model_catalog import ModelCatalog
from modelwire_service.settings import ConfigurationError, Settings, upstreams_of
from modelwire_service.storage.errors import StorageError
from modelwire_service.storage.urls import check_url
from modelwire_service.tls.server import ServerCertificates, server_certificates
from modelwire_service.upstream_settings import UpstreamSettings
from modelwire_service.upstreams.registry import build_catalog

Part = TypeVar("Part")


@dataclass(frozen=True, slots=True)
class Prepared:
    """The upstreams, as configured and as made; the certificates of the doors, None where they are plain."""

    configured: tuple[UpstreamSettings, ...]
    catalog: ModelCatalog
    certificates: ServerCertificates | None


def prepare(settings: Settings, environment: Mapping[str, str]) -> Prepared:
    """Raises ConfigurationError with every complaint there is."""
    complaints: list[str] = []

    def made(make: Callable[[], Part]) -> Part | None:
        try:
            return make()
        except ConfigurationError as error:
            complaints.extend(error.complaints)
        except StorageError as error:
            complaints.append(str(error))
        return None

    configured = made(lambda: upstreams_of(settings, environment))
    catalog = made(lambda: build_catalog(configured or (), environment))
    certificates = made(lambda: server_certificates(settings))
    if (database := settings.database) is not None:
        made(lambda: check_url(database.get_secret_value()))
    if complaints or configured is None or catalog is None:
        raise ConfigurationError(complaints)
    return Prepared(configured, catalog, certificates)
