"""From which address a request came, where proxies of one's own stand in between."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any, Final

FORWARDED_FOR: Final = "x-forwarded-for"


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """The proxies whose X-Forwarded-For is believed: the networks they are in, and with `unix` whoever dials a socket
    file."""

    networks: Sequence[IPv4Network | IPv6Network] = ()
    unix: bool = False

    def client(self, peer: str | None, headers: Mapping[str, str]) -> str:
        """The address a request came from; `peer` is that of the connection, None over a socket file.

        Of the addresses in the header, each written by the proxy it had reached, the last counts that no trusted proxy
        has. Anybody can write what stands before it.
        """
        if not (self._trusts(peer) and (told := headers.get(FORWARDED_FOR))):
            return peer or ""
        found = peer or ""
        for text in reversed(told.split(",")):
            if (address := _address(text)) is None:
                break
            found = str(address)
            if not self._holds(address):
                break
        return found

    def _trusts(self, peer: str | None) -> bool:
        if peer is None:
            return self.unix
        return bool(self.networks) and (address := _address(peer)) is not None and self._holds(address)

    def _holds(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self.networks)


NO_PROXIES: Final = TrustedProxies()


def client_of(scope: Mapping[str, Any]) -> str | None:
    """The address at the other end of a request's connection (ASGI's `client`)."""
    client = scope.get("client")
    return client[0] if client else None


def _address(text: str) -> IPv4Address | IPv6Address | None:
    bare = text.strip().removeprefix("[").partition("]")[0]
    if bare.count(":") == 1:  # an IPv4 address with a port
        bare = bare.partition(":")[0]
    try:
        address = ip_address(bare)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
