"""What goes out before a body, as bytes.

All but the length of the body is the same for all calls of one key to one path, so it is made once and kept.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple
from urllib.parse import quote, urlsplit

_METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})  # an answer to HEAD has a length without a body
_PORTS: Final = {"http": 80, "https": 443}
_HOST: Final = re.compile(r"[\w:%~-][\w.:%~-]*", re.ASCII)
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_LINE_END: Final = re.compile("[\r\n\0]")
_IN_TARGETS: Final = "/:@!$&'()*+,;=%?~[]"  # with `%`, because what is escaped stays so
_FRAMING: Final = frozenset({"content-length", "transfer-encoding"})
_ACCEPT_ENCODING: Final = "identity"  # inflating takes longer than reading the JSON, and streams are small pieces


class Origin(NamedTuple):
    """To what a connection leads."""

    tls: bool
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class RequestHead:
    """The lines of a head that do not depend on the body."""

    origin: Origin
    lines: bytes
    needs_length: bool
    """Whether it tells the length of an empty body too."""

    @classmethod
    def of(cls, method: str, url: str, headers: Iterable[tuple[str, str]]) -> "RequestHead":
        """Raises ValueError for what cannot be sent, and for headers that say how it is framed."""
        if method not in _METHODS:
            raise ValueError("the method is not one that is sent")
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname or "@" in parts.netloc:
            raise ValueError("the URL is not a plain one of HTTP")
        host = parts.hostname if parts.hostname.isascii() else parts.hostname.encode("idna").decode()
        if not _HOST.fullmatch(host):
            raise ValueError("the host is not a host name")
        port = parts.port if parts.port is not None else _PORTS[parts.scheme]
        authority = f"[{host}]" if ":" in host else host
        if port != _PORTS[parts.scheme]:
            authority = f"{authority}:{port}"
        fields = {"host": authority, "accept-encoding": _ACCEPT_ENCODING, **_checked(headers)}
        lines = [f"{method} {_target(parts.path, parts.query)} HTTP/1.1", *(f"{n}: {v}" for n, v in fields.items())]
        return cls(
            Origin(parts.scheme == "https", host, port),
            "\r\n".join([*lines, ""]).encode(),
            needs_length=method != "GET",
        )

    def before(self, length: int) -> bytes:
        """The whole head of a request with a body of `length` bytes."""
        if length or self.needs_length:
            return b"%bcontent-length: %d\r\n\r\n" % (self.lines, length)
        return self.lines + b"\r\n"


def _checked(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The headers by lower-case name."""
    fields = {name.lower(): value for name, value in headers}
    for name, value in fields.items():
        if not _TOKEN.fullmatch(name) or _LINE_END.search(value):
            raise ValueError("a header is not one of HTTP")
        if name in _FRAMING:
            raise ValueError("a header would frame the request")
    return fields


def _target(path: str, query: str) -> str:
    target = quote(path or "/", safe=_IN_TARGETS)
    return f"{target}?{quote(query, safe=_IN_TARGETS)}" if query else target
