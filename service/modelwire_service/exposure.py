"""Who can reach a server, and what is to be said against its start if anybody could use it."""

import ipaddress
from collections.abc import Iterator, Mapping, Sequence

from modelwire_service.settings import Settings
from modelwire_service.upstream_settings import UpstreamSettings


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


def exposed_doors(settings: Settings) -> dict[str, str]:
    """The addresses that other machines may reach, by their settings."""
    doors = {"grpc_address": settings.grpc_address, "http_address": "" if settings.no_http else settings.http_address}
    return {name: address for name, address in doors.items() if address and reachable_from_elsewhere(address)}


def keys_given_away(
    settings: Settings, upstreams: Sequence[UpstreamSettings], environment: Mapping[str, str]
) -> Iterator[str]:
    """A complaint for each upstream that answers whoever brings any credential, where other machines may.

    Only the upstream that gets it could tell a credential from a made-up one.
    """
    if settings.auth == "pass-through" and exposed_doors(settings):
        for upstream in upstreams:
            if upstream.kind == "embedded" or upstream.keys(environment):
                yield (
                    f'upstream {upstream.name}: auth = "pass-through" would let anybody use it who brings any key at '
                    "all; take its own key away, leave it out, or ask for keys of this server's"
                )


def unguarded_doors(settings: Settings) -> Iterator[str]:
    """A complaint for each door that other machines reach though no key is asked for, unless that is meant."""
    if settings.auth == "none":
        return
    for name, address in exposed_doors(settings).items():
        # Callers that must show a certificate are known without a key.
        if not (name == "grpc_address" and settings.tls_client_ca):
            yield (
                f"{name}: {address} can be reached from other machines, and there are no API keys to ask for; make one "
                'with `modelwire keys create NAME`, or let everybody in by auth = "none" (--auth none)'
            )
