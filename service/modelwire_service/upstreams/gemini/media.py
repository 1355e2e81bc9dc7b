"""Images that callers name by URL, fetched for them. Gemini fetches none; this server does where its operator says so.

Only hosts the operator allows are asked, and what they point to must be public (`http.public_addresses`). A redirect is
refused: it may lead anywhere. A caller learns that a URL could not be fetched, and nothing of why, which would
tell what there is in the operator's network.
"""

import asyncio
import base64
import ipaddress
import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Final
from urllib.parse import SplitResult, urlsplit

from modelwire_service import __version__
from modelwire_service.errors import InvalidRequest, ServiceError
from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.gemini.inline_data import inline
from modelwire_service.upstreams.http.base import HttpClient, Request, Response
from modelwire_service.upstreams.http.public_addresses import is_public

MAX_BYTES: Final = 20 << 20
"""Of all that one request points to: what Gemini takes inline in one request."""
MAX_URLS: Final = 16
PATIENCE_SECONDS: Final = 10.0
_MEDIA_TYPE: Final = re.compile(r"(?:image|video|audio)/[\w.+-]+|application/pdf")
_NOT_FETCHED: Final = "could not be fetched"


class MediaFetcher:
    """Fetches over a client that must connect to public addresses alone. `allowed_hosts` are names or globs.

    `patience` is how many seconds the URLs of one request may take, all together.
    """

    def __init__(self, client: HttpClient, allowed_hosts: Sequence[str], *, patience: float = PATIENCE_SECONDS) -> None:
        self._client = client
        self._patience = patience
        self._allowed = [host.lower() for host in allowed_hosts]

    async def fetched(self, located: Sequence[tuple[str, str]]) -> Mapping[str, Json]:
        """The parts of (path, URL) pairs, by URL. Raises InvalidRequest, for the path, for what is not fetched."""
        paths: dict[str, str] = {}
        for path, url in located:
            paths.setdefault(url, path)
        for url, path in paths.items():
            self._check(url, path)
        if len(paths) > MAX_URLS:
            raise InvalidRequest.of(located[-1][0], f"is one of more than {MAX_URLS} URLs to fetch")
        budget = _Budget(MAX_BYTES)
        deadline = asyncio.get_running_loop().time() + self._patience
        parts: dict[str, Json] = {}
        for url, path in paths.items():  # one after another: a caller is no reason to flood a host
            parts[url] = await self._part(url, path, budget, deadline)
        return parts

    async def close(self) -> None:
        await self._client.aclose()

    def _check(self, url: str, path: str) -> None:
        parts = _split(url)
        if parts is None or not any(fnmatchcase(parts.hostname or "", host) for host in self._allowed):
            raise InvalidRequest.of(path, "must be a data: URL, or be on a host this server fetches from")

    async def _part(self, url: str, path: str, budget: "_Budget", deadline: float) -> Json:
        try:
            async with asyncio.timeout_at(deadline):
                response = await self._client.send(Request("GET", url, {"user-agent": f"modelwire/{__version__}"}))
                try:
                    return await _read(response, path, budget)
                finally:
                    await response.aclose()
        except TimeoutError:
            raise InvalidRequest.of(path, f"{_NOT_FETCHED} within {self._patience:g} s") from None
        except InvalidRequest:
            raise
        except ServiceError:
            raise InvalidRequest.of(path, _NOT_FETCHED) from None


class _Budget:
    """The bytes a request may still bring."""

    def __init__(self, left: int) -> None:
        self.left = left


async def _read(response: Response, path: str, budget: _Budget) -> Json:
    if not 200 <= response.status < 300:
        raise InvalidRequest.of(path, _NOT_FETCHED)
    mime_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not _MEDIA_TYPE.fullmatch(mime_type):
        raise InvalidRequest.of(path, "must lead to an image")
    pieces: list[bytes] = []
    async for piece in response.pieces():
        budget.left -= len(piece)
        if budget.left < 0:
            raise InvalidRequest.of(path, f"leads to more than {MAX_BYTES >> 20} MiB, all URLs together")
        pieces.append(piece)
    return inline(mime_type, base64.b64encode(b"".join(pieces)).decode("ascii"))


def _split(url: str) -> SplitResult | None:
    """The parts of a URL that may be asked; None for one with a user in it, or with an address that is not public.

    A host beyond ASCII is none either: clients turn digits and full stops of other scripts into addresses.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host or parts.username is not None or not url.isprintable():
        return None
    if not host.isascii():
        return None
    return parts if not _is_address(host) or is_public(host) else None


def _is_address(host: str) -> bool:
    """Whether a host is written as an address, which no resolver sees. Odd forms (0x7f.1) are taken for one."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return re.fullmatch(r"(?:0x[0-9a-f]*|\d+)(?:\.(?:0x[0-9a-f]*|\d+)){0,3}\.?", host) is not None
    return True
