"""Which IP addresses are of the internet at large, and so may be asked for what a caller names."""

import ipaddress
from typing import Final

# NAT64 (RFC 6052, RFC 8215) leads to IPv4 addresses that hide in the last 32 bits.
_TRANSLATED: Final = [ipaddress.IPv6Network(network) for network in ("64:ff9b::/96", "64:ff9b:1::/48")]


def is_public(address: str) -> bool:
    """Whether an IP address is one of the internet at large: neither private, link-local, loopback nor reserved."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        if any(found in network for network in _TRANSLATED):
            return False
        if found.ipv4_mapped is not None:
            return is_public(str(found.ipv4_mapped))
        if found.sixtofour is not None or found.teredo is not None or found.is_site_local:
            return False
    return found.is_global and not (found.is_multicast or found.is_reserved)
