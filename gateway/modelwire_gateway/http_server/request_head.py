"""What llhttp takes for a request head though RFC 9112 has servers refuse it."""

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
    hosts = [value for name, value in headers if name == b"host"]
    if len(hosts) == 1:
        return None if _HOST.fullmatch(hosts[0]) and _is_of(hosts[0], target) else refusals.no_host()
    return refusals.no_host() if hosts or version == "1.1" else None


def _is_of(host: bytes, target: bytes) -> bool:
    """Whether a target that is a whole URL names `host`, as clients must have it (RFC 9112, sections 3.2 and 3.2.2).

    Were they to differ, whoever stands in front might take the one for it, and who stands behind the other.
    """
    url = None if target.startswith(b"/") else _WHOLE_URL.match(target)
    return url is None or url[1].lower() == host.lower()
