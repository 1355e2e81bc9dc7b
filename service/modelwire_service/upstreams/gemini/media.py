"""Media that callers name by URL, fetched for them. Gemini fetches none; this server does where its operator says so.

Only hosts the operator allows are asked, on the port of their scheme or on the one allowed: services that are not for
everybody like to stand on another. What a host's name leads to must be public (`http.public_addresses`). A redirect is
refused: it may lead anywhere. A caller learns that a URL could not be fetched, and nothing of why, which would tell
what there is in the operator's network.
"""

import asyncio
import ipaddress
import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Final
from urllib.parse import SplitResult, urlsplit

import pybase64

from modelwire_service import __version__
from modelwire_service.errors import InvalidRequest, ServiceError
from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.gemini.inline_data import inline
from modelwire_service.upstreams.gemini.remote_media import Remote
from modelwire_service.upstreams.http.base import HttpClient, Request, Response
from modelwire_service.upstreams.http.public_addresses import is_public

MAX_BYTES: Final = 20 << 20
"""Of all that one request points to, each time it does: what Gemini takes inline in one request."""
MAX_URLS: Final = 16
PATIENCE_SECONDS: Final = 10.0
_PORTS: Final = {"http": 80, "https": 443}
_UNTYPED: Final = ("", "application/octet-stream", "binary/octet-stream")
"""What hosts say that do not know what they keep."""
_NOT_FETCHED: Final = "could not be fetched"


class MediaFetcher:
    """Fetches over a client that must connect to public addresses alone.

    `allowed_hosts` are names or globs, each with the port it stands for, `host:8443`, or without one for the port of
    the URL's scheme. `patience` is how many seconds the URLs of one request may take, all together.
    """

    def __init__(self, client: HttpClient, allowed_hosts: Sequence[str], *, patience: float = PATIENCE_SECONDS) -> None:
        self._client = client
        self._patience = patience
        self._allowed = [_host_and_port(host.lower()) for host in allowed_hosts]

    async def fetched(self, remote: Sequence[Remote]) -> Mapping[str, Json]:
        """The parts of what is on the web, by path. Raises InvalidRequest, for the path, for what is not fetched."""
        uses: dict[str, list[Remote]] = {}
        for each in remote:
            uses.setdefault(each.url, []).append(each)
        if len(uses) > MAX_URLS:
            too_many = list(uses.values())[MAX_URLS][0]
            raise InvalidRequest.of(too_many.path, f"is one of more than {MAX_URLS} URLs to fetch")
        for first, *_ in uses.values():
            self._check(first)
        budget = _Budget(MAX_BYTES)
        deadline = asyncio.get_running_loop().time() + self._patience
        parts: dict[str, Json] = {}
        for same in uses.values():  # one after another: a caller is no reason to flood a host
            parts |= await self._parts(same, budget, deadline)
        return parts

    async def close(self) -> None:
        await self._client.aclose()

    def _check(self, remote: Remote) -> None:
        parts = _split(remote.url)
        if parts is None or not self._allows(parts):
            raise InvalidRequest.of(remote.path, "must be a data: URL, or be on a host this server fetches from")

    def _allows(self, url: SplitResult) -> bool:
        usual = _PORTS[url.scheme]
        port = usual if url.port is None else url.port
        return any(fnmatchcase(url.hostname or "", host) and port == (own or usual) for host, own in self._allowed)

    async def _parts(self, uses: list[Remote], budget: "_Budget", deadline: float) -> dict[str, Json]:
        """What is at the URL that all of them have, as a part for each."""
        url, path = uses[0].url, uses[0].path
        try:
            async with asyncio.timeout_at(deadline):
                response = await self._client.send(Request("GET", url, {"user-agent": f"modelwire/{__version__}"}))
                try:
                    return await _read(response, uses, budget)
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


async def _read(response: Response, uses: list[Remote], budget: _Budget) -> dict[str, Json]:
    path = uses[0].path
    if not 200 <= response.status < 300:
        raise InvalidRequest.of(path, _NOT_FETCHED)
    said = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    types = {use.path: _media_type(said, use) for use in uses}
    pieces: list[bytes] = []
    async for piece in response.pieces():
        budget.left -= len(piece) * len(uses)
        if budget.left < 0:
            raise InvalidRequest.of(path, f"leads to more than {MAX_BYTES >> 20} MiB, all URLs together")
        pieces.append(piece)
    data = pybase64.b64encode_as_string(b"".join(pieces))
    return {path: inline(media_type, data) for path, media_type in types.items()}


def _media_type(said: str, use: Remote) -> str:
    """What the host says it is, or else the caller. Raises InvalidRequest if it is not what the field is for."""
    media_type = (use.told or "") if said in _UNTYPED else said
    if not use.kind.types.fullmatch(media_type):
        raise InvalidRequest.of(use.path, f"must lead to {use.kind.called}")
    return media_type


def _host_and_port(allowed: str) -> tuple[str, int | None]:
    host, colon, port = allowed.partition(":")
    return host, int(port) if colon else None


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
