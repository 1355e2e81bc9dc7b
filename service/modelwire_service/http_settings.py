"""What the settings of the HTTP door may say: lists of names, of origins, of hosts and of proxies."""

import re
from ipaddress import ip_network
from typing import Annotated, Any, Final

from modelwire_gateway.metadata_keys import may_name_metadata
from pydantic import AfterValidator, BeforeValidator, ValidationInfo
from pydantic_settings import NoDecode

_EVERY_ORIGIN: Final = "*"
_ORIGIN: Final = re.compile(r"([a-z][a-z0-9+.-]*)://([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(0|[1-9][0-9]{0,4}))?")
_DEFAULT_PORTS: Final = {"http": "80", "https": "443"}
_HOST: Final = re.compile(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[?[0-9a-f:.]+\]?")
UNIX: Final = "unix"
"""In the place of a proxy's address: whoever dials a socket file."""
_LAST_PORT: Final = 65535
_TOKEN: Final = re.compile(r"[0-9a-z!#$%&'*+.^_`|~-]+")


def no_credentials_for_all(credentials: bool, others: ValidationInfo) -> bool:
    """Refuses what browsers refuse (the Fetch standard, section 3.2.5); `cors_origins` is read before."""
    if credentials and _EVERY_ORIGIN in others.data.get("cors_origins", ()):
        raise ValueError("browsers send none where cors_origins is '*'; name the origins")
    return credentials


def _listed(given: Any) -> Any:
    """A variable holds one text; neither names nor origins have commas."""
    if not isinstance(given, str):
        return given
    return [part for part in (part.strip() for part in given.split(",")) if part]


def _metadata_key(text: str) -> str:
    key = text.lower()
    if not may_name_metadata(key):
        raise ValueError("must be of letters, digits, '-', '_' and '.', and none of HTTP's or gRPC's own names")
    return key


def _header_name(text: str) -> str:
    if not _TOKEN.fullmatch(name := text.lower()):
        raise ValueError("must be the name of a header")
    return name


def _origin(text: str) -> str:
    """The origin as browsers write it: in lower case, without the port that goes without saying."""
    if text == _EVERY_ORIGIN:
        return text
    match = _ORIGIN.fullmatch(text.lower())
    if match is None or int(match[3] or 0) > _LAST_PORT:
        raise ValueError("must be SCHEME://HOST or SCHEME://HOST:PORT, and no more, or '*'")
    scheme, host, port = match.groups()
    return f"{scheme}://{host}" if port in (None, _DEFAULT_PORTS.get(scheme)) else f"{scheme}://{host}:{port}"


def _host(text: str) -> str:
    name = text.lower().removesuffix(".")
    if not _HOST.fullmatch(name) or name == _EVERY_ORIGIN:
        raise ValueError("must be the name of a host, without a port; '*.' in front is every name below")
    return name


def _proxy(text: str) -> str:
    if text != UNIX:
        try:
            ip_network(text)
        except ValueError:
            raise ValueError(f"must be an IP address, a network such as 10.0.0.0/8, or '{UNIX}'") from None
    return text


Hosts = Annotated[tuple[Annotated[str, AfterValidator(_host)], ...], NoDecode, BeforeValidator(_listed)]
Proxies = Annotated[tuple[Annotated[str, AfterValidator(_proxy)], ...], NoDecode, BeforeValidator(_listed)]
MetadataKeys = Annotated[tuple[Annotated[str, AfterValidator(_metadata_key)], ...], NoDecode, BeforeValidator(_listed)]
HeaderNames = Annotated[tuple[Annotated[str, AfterValidator(_header_name)], ...], NoDecode, BeforeValidator(_listed)]
Origins = Annotated[tuple[Annotated[str, AfterValidator(_origin)], ...], NoDecode, BeforeValidator(_listed)]
