"""The settings of one upstream, and what must hold among several."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from modelwire_service.upstreams.http.base import Timeouts
from modelwire_service.upstreams.openai.profiles import PROFILES

GEMINI_HOST: Final = "https://generativelanguage.googleapis.com"
GEMINI_VERSION: Final = "v1beta"
_TIMEOUTS: Final = Timeouts()
_KEYS: Final = ("api_key", "api_key_env", "api_key_file")
_GEMINI_ALONE_HAS: Final = ("api_version", "allowed_media_hosts")
_EMBEDDED_HAS_NO: Final = ("base_url", *_KEYS)
_OPENAI_ALONE_HAS: Final = ("profile",)


def _base_url(text: str) -> str:
    if not text.startswith(("http://", "https://")) or "?" in text or "#" in text:
        raise ValueError("must be an http:// or https:// URL without a query")
    return text.rstrip("/")


def _profile(name: str) -> str:
    if name not in PROFILES:
        raise ValueError(f"must be one of {', '.join(sorted(PROFILES))}")
    return name


Seconds = Annotated[float, Field(gt=0, le=86_400)]


class UpstreamSettings(BaseModel):
    """One upstream. The key is given outright, or as the name of a variable or file that holds it.

    `allowed_media_hosts` are names, or globs of names, of hosts from which images are fetched for callers.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
    kind: Literal["gemini", "openai", "embedded"]
    base_url: Annotated[str, AfterValidator(_base_url)] | None = None
    api_version: Annotated[str, Field(pattern=r"^v[0-9]+[a-z0-9]*$")] = GEMINI_VERSION
    api_key: SecretStr | None = None
    api_key_env: str | None = None
    api_key_file: Path | None = None
    profile: Annotated[str, AfterValidator(_profile)] | None = None
    """That of the server's vendor; where it is not given, `base_url` tells it."""
    weight: Annotated[int, Field(ge=1, le=1000)] = 1
    """The share it takes, of the sum of theirs, of the calls for a model that several upstreams serve."""
    models: tuple[str, ...] = ()
    aliases: dict[str, str] = Field(default_factory=dict)
    allowed_media_hosts: tuple[Annotated[str, Field(pattern=r"^[^\s/:@]+$")], ...] = ()
    transport: Literal["aiohttp", "httpx"] = "aiohttp"
    connect_timeout: Seconds = _TIMEOUTS.connect
    first_byte_timeout: Seconds = _TIMEOUTS.first_byte
    idle_timeout: Seconds = _TIMEOUTS.idle

    @property
    def timeouts(self) -> Timeouts:
        return Timeouts(self.connect_timeout, self.first_byte_timeout, self.idle_timeout)

    def key(self, environment: Mapping[str, str]) -> str | None:
        """The key itself; raises ValueError if the variable or file it is said to be in has no usable one."""
        where, key = "api_key", self.api_key.get_secret_value() if self.api_key else None
        if self.api_key_env is not None:
            where, key = f"api_key_env: the variable {self.api_key_env}", environment.get(self.api_key_env, "")
        elif self.api_key_file is not None:
            where, key = f"api_key_file: {self.api_key_file}", _read_key(self.api_key_file)
        if key is not None and not (key.isascii() and key.isprintable() and key):
            raise ValueError(f"{where} holds no key: one line of printable characters is needed")
        return key


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
    kind, given = upstream.get("kind"), [key for key in _KEYS if upstream.get(key) is not None]
    if upstream.get("name") == "models":
        yield "name: 'models' is the prefix of model names and names no upstream"
    if kind == "openai" and upstream.get("base_url") is None:
        yield "base_url: is required for kind openai"
    if kind == "embedded":
        yield from (f"{key}: means nothing for kind embedded" for key in _EMBEDDED_HAS_NO if upstream.get(key))
    if kind != "gemini":
        yield from (f"{key}: means nothing for kind {kind}" for key in _GEMINI_ALONE_HAS if upstream.get(key))
    if (variable := upstream.get("api_key_env")) and not environment.get(str(variable)):
        yield f"api_key_env: the variable {variable} is not set"
    if kind != "openai":
        yield from (f"{key}: means nothing for kind {kind}" for key in _OPENAI_ALONE_HAS if upstream.get(key))
    if len(given) > 1:
        yield f"{given[1]}: {' and '.join(given)} exclude each other"


def _read_key(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError as error:
        raise ValueError(f"api_key_file: {path}: {error.strerror}") from None
