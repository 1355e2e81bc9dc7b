"""The ASGI scope of a request (ASGI 3.0, HTTP connection scope)."""

from asyncio import Future
from typing import Any, Final
from urllib.parse import unquote

import httptools

from modelwire_gateway.exchange import CLIENT_LEFT, Scope
from modelwire_gateway.metadata import Headers

_ASGI: Final = {"version": "3.0", "spec_version": "2.3"}


def common_scope(
    server: tuple[str, int | None] | None,
    client: tuple[str, int] | None,
    scheme: str | None,
    left: Future[None],
) -> dict[str, Any]:
    """What the scopes of all requests of a connection have in common."""
    return {
        "server": server,
        "client": client,
        "scheme": scheme,
        "root_path": "",
        "extensions": {CLIENT_LEFT: {"future": left}},
    }


def http_scope(common: dict[str, Any], method: bytes, target: bytes, version: str, headers: Headers) -> Scope:
    """The scope of a request whose head is that; `common` is that of its connection.

    Raises httptools.HttpParserInvalidURLError for a target that is no URL.
    """
    url = httptools.parse_url(target)
    raw_path: bytes = url.path
    path = raw_path.decode("ascii")
    return {
        "type": "http",
        "asgi": _ASGI.copy(),
        "http_version": version,
        "method": method.decode("ascii"),
        "path": unquote(path) if "%" in path else path,
        "raw_path": raw_path,
        "query_string": url.query or b"",
        "headers": headers,
        "state": {},
        **common,
    }
