"""The settings of one upstream, and what must hold among several."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, SecretStr

from modelwire_service.dispatch.guard import PLAIN, Policy
from modelwire_service.upstream_keys import KEY_FIELDS, KeySettings, incoherent_keys
from modelwire_service.upstreams.http.base import Timeouts
from modelwire_service.upstreams.http.proxy import Proxy
from modelwire_service.upstreams.openai.profiles import PROFILES

GEMINI_HOST: Final = "https://generativelanguage.googleapis.com"
GEMINI_VERSION: Final = "v1beta"
_TIMEOUTS: Final = Timeouts()
_GEMINI_ALONE_HAS: Final = ("api_version", "allowed_media_hosts")
_EMBEDDED_HAS_NO: Final = ("base_url", *KEY_FIELDS, "ca_file", "proxy")
_OPENAI_ALONE_HAS: Final = ("profile",)


def _base_url(text: str) -> str:
    if not text.startswith(("http://", "https://")) or "?" in text or "#" in text:
        raise ValueError("must be an http:// or https:// URL without a query")
    return text.rstrip("/")


def _profile(name: str) -> str:
    if name not in PROFILES:
        raise ValueError(f"must be one of {', '.join(sorted(PROFILES))}")
    return name


def _proxy(given: SecretStr) -> SecretStr:
    Proxy.parsed(given.get_secret_value())
    return given


def _media_host(text: str) -> str:
    port = text.partition(":")[2]
    if port and not 1 <= int(port) <= 65_535:
        raise ValueError("must have a port from 1 to 65535")
    return text


MediaHost = Annotated[str, Field(pattern=r"^[^\s/:@]+(:[0-9]{1,5})?$"), AfterValidator(_media_host)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]


class UpstreamSettings(KeySettings):
    """One upstream, and its keys.

    `allowed_media_hosts` are names, or globs of names, of hosts from which images, audio and files are fetched for
    callers: on the port of the URL's scheme, or on that of an entry like `host:8443`.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
    kind: Literal["gemini", "openai", "embedded"]
    base_url: Annotated[str, AfterValidator(_base_url)] | None = None
    api_version: Annotated[str, Field(pattern=r"^v[0-9]+[a-z0-9]*$")] = GEMINI_VERSION
    profile: Annotated[str, AfterValidator(_profile)] | None = None
    """That of the server's vendor; where it is not given, `base_url` tells it."""
    weight: Annotated[int, Field(ge=0, le=1000)] = 1
    """The share it takes, of the sum of theirs, of the calls for a model that several upstreams serve.

    With 0 it gets those that all others failed at.
    """
    max_attempts: Annotated[int, Field(ge=1, le=10)] = PLAIN.attempts
    """How often one call is sent to it, all told, where it cannot have worked on the request before."""
    max_concurrent: Annotated[int, Field(ge=1, le=1_000_000)] | None = PLAIN.concurrent
    """How many calls it gets at once; any number if none is given."""
    max_queued: Annotated[int, Field(ge=0, le=1_000_000)] = PLAIN.queued
    """How many more wait for it where `max_concurrent` has been reached; others go elsewhere, or are refused."""
    models: tuple[str, ...] = ()
    aliases: dict[str, str] = Field(default_factory=dict)
    allowed_media_hosts: tuple[MediaHost, ...] = ()
    transport: Literal["native", "aiohttp", "httpx"] = "native"
    """The HTTP client; aiohttp stands in for the native one, the project's own, where there is a `proxy`."""
    ca_file: Path | None = None
    """Certificates of the authorities to trust, in PEM, in the place of the system's."""
    proxy: Annotated[SecretStr, AfterValidator(_proxy)] | None = None
    """Reached through `http://[USER:PASSWORD@]HOST:PORT`. HTTPS_PROXY and its like are not read."""
    connect_timeout: Seconds = _TIMEOUTS.connect
    first_byte_timeout: Seconds = _TIMEOUTS.first_byte
    idle_timeout: Seconds = _TIMEOUTS.idle

    @property
    def timeouts(self) -> Timeouts:
        return Timeouts(self.connect_timeout, self.first_byte_timeout, self.idle_timeout)

    @property
    def policy(self) -> Policy:
        return Policy(self.max_attempts, self.max_concurrent, self.max_queued)


def gemini_host(base_url: str, version: str = GEMINI_VERSION) -> str:
    """The host alone, where the base of one of Gemini's APIs was given: with its version, or with `/openai` behind."""
    return base_url.rstrip("/").removesuffix("/openai").removesuffix(f"/{version}")


def incoherences(upstreams: Sequence[Any], environment: Mapping[str, str]) -> Iterator[str]:
    """What does not fit together in the upstreams as they were written, whatever else is wrong with them."""
    written = [upstream for upstream in upstreams if isinstance(upstream, Mapping)]
    for index, upstream in enumerate(written):
        yield from (f"upstreams[{index}].{complaint}" for complaint in _incoherent(upstream, environment))
    names = Counter(str(upstream.get("name")) for upstream in written)
    yield from (f"upstreams: {name} is named twice" for name, count in names.items() if count > 1)


def _incoherent(upstream: Mapping[str, Any], environment: Mapping[str, str]) -> Iterator[str]:
    kind = upstream.get("kind")
    if upstream.get("name") == "models":
        yield "name: 'models' is the prefix of model names and names no upstream"
    if kind == "openai" and upstream.get("base_url") is None:
        yield "base_url: is required for kind openai"
    if kind == "embedded":
        yield from (f"{key}: means nothing for kind embedded" for key in _EMBEDDED_HAS_NO if upstream.get(key))
    if kind != "gemini":
        yield from (f"{key}: means nothing for kind {kind}" for key in _GEMINI_ALONE_HAS if upstream.get(key))
    if kind != "openai":
        yield from (f"{key}: means nothing for kind {kind}" for key in _OPENAI_ALONE_HAS if upstream.get(key))
    yield from incoherent_keys(upstream, environment)
