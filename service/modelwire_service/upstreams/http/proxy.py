"""The proxy through which an upstream is reached."""

from base64 import b64encode
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy (RFC 9110, section 3.7), asked for tunnels to upstreams over TLS. `repr` shows no credentials.

    `url` is `http://HOST:PORT`.
    """

    url: str
    authorization: str | None = field(default=None, repr=False)
    """What it asks for as Proxy-Authorization (RFC 7617)."""

    @classmethod
    def parsed(cls, text: str) -> "Proxy":
        """From `http://HOST:PORT` or `http://USER:PASSWORD@HOST:PORT`, both of the latter percent-encoded.

        Raises ValueError, which does not tell the text.
        """
        try:
            parts = urlsplit(text)
            host, port = parts.hostname, parts.port
        except ValueError:
            host, port = None, None
        if (
            not host
            or not port
            or parts.scheme != "http"
            or parts.path not in ("", "/")
            or parts.query
            or parts.fragment
        ):
            raise ValueError("must be http://HOST:PORT or http://USER:PASSWORD@HOST:PORT")
        url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        if parts.username is None:
            return cls(url)
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        return cls(url, f"Basic {b64encode(pair.encode()).decode()}")
