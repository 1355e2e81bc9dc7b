"""Who can reach a server, and what is to be said against its start if anybody could use it."""

import ipaddress
from collections.abc import Iterator

from modelwire_service.settings import Settings


def reachable_from_elsewhere(address: str) -> bool:
    """Whether other machines may reach what listens at `HOST:PORT`, `[IPV6]:PORT` or `unix:PATH`.

    A name other than localhost counts as reachable, since nobody knows what it is by the time it is looked up.
    """
    if address.startswith("unix:"):
        return False
    host = address.rpartition(":")[0].removeprefix("[").removesuffix("]").lower()
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host != "localhost"


def unguarded_doors(settings: Settings) -> Iterator[str]:
    """A complaint for each door that other machines reach though no key is asked for, unless that is meant."""
    if settings.auth == "none":
        return
    doors = {"grpc_address": settings.grpc_address, "http_address": "" if settings.no_http else settings.http_address}
    for name, address in doors.items():
        # Callers that must show a certificate are known without a key.
        if address and reachable_from_elsewhere(address) and not (name == "grpc_address" and settings.tls_client_ca):
            yield (
                f"{name}: {address} can be reached from other machines, and there are no API keys to ask for; make one "
                'with `modelwire keys create NAME`, or let everybody in by auth = "none" (--auth none)'
            )
