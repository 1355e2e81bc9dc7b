"""Request heads: what llhttp takes for one though RFC 9112 has servers refuse it, and what is read as another."""

import re
from collections.abc import Iterable
from typing import Final

from modelwire_gateway.errors import RpcFailure
from modelwire_gateway.http_server import refusals

_VERSIONS: Final = ("1.1", "1.0")
# RFC 3986, section 3.2.2, with addresses in brackets taken on trust; it may be empty (RFC 9112, section 3.2).
_HOST: Final = re.compile(
    rb"(?:\[[A-Za-z0-9._~!$&'()*+,;=:%-]+\]|(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)(?::[0-9]*)?"
)
_WHOLE_URL: Final = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)")


def complaint(version: str, target: bytes, headers: Iterable[tuple[bytes, bytes]]) -> RpcFailure | None:
    """Why a head of HTTP `version`, its header names in lower case, is refused, if it is."""
    if version not in _VERSIONS:
        return refusals.malformed()
    host = None
    for name, value in headers:
        if name == b"host":
            if host is not None:
                return refusals.no_host()
            host = value
    if host is None:
        return refusals.no_host() if version == "1.1" else None
    return None if _HOST.fullmatch(host) and _is_of(host, target) else refusals.no_host()


def expects_100_continue(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether the client waits to be asked for the body (RFC 9110, section 10.1.1)."""
    return b"100-continue" in [value.lower() for name, value in headers if name == b"expect"]


def without_upgrade(method: bytes, target: bytes, version: str, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """A head as it was received, but for offers of another protocol, which are ignored (RFC 9110, section 7.8).

    llhttp takes whatever follows a head that has one for that protocol, so its body would be lost or, worse, read as
    the next request. It is for another parser to read: one that has seen `connection: close` takes no more heads.
    """
    request_line = b"%s %s HTTP/%s\r\n" % (method, target, version.encode())
    lines = [b"%s: %s\r\n" % header for header in headers if header[0] != b"upgrade"]
    return request_line + b"".join(lines) + b"\r\n"


def _is_of(host: bytes, target: bytes) -> bool:
    """Whether a target that is a whole URL names `host`, as clients must have it (RFC 9112, sections 3.2 and 3.2.2).

    Were they to differ, whoever stands in front might take the one for it, and who stands behind the other.
    """
    url = None if target[:1] == b"/" else _WHOLE_URL.match(target)
    return url is None or url[1].lower() == host.lower()
