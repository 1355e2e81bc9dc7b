"""Names resolved to public addresses only, so that a URL of a caller reaches nothing that is not on the internet.

The check is in the resolver, because a connection goes to the very addresses it gives: a name that is looked up
twice may be another host the second time.
"""

import socket

from aiohttp.abc import AbstractResolver, ResolveResult

from modelwire_service.upstreams.http.public_addresses import is_public


class PublicResolver(AbstractResolver):
    """Another resolver's answers, refused as a whole if any address in them is not public."""

    def __init__(self, inner: AbstractResolver) -> None:
        self._inner = inner

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Raises OSError if the name has no address or one that is not public."""
        found = await self._inner.resolve(host, port, family)
        if not found or not all(is_public(result["host"]) for result in found):
            raise OSError(f"{host} has no public address")
        return found

    async def close(self) -> None:
        await self._inner.close()
