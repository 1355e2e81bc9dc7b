"""Configuration: command-line options over MODELWIRE_… variables over one TOML file.

Every complaint is told at once, before anything listens. Keys are kept as SecretStr, so that no `repr` shows them.
"""

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from modelwire_service.upstreams.http.base import Timeouts

_TIMEOUTS: Final = Timeouts()
GEMINI_HOST: Final = "https://generativelanguage.googleapis.com"


class ConfigurationError(Exception):
    """The configuration cannot be used; `complaints` has one line for each thing that is wrong."""

    def __init__(self, complaints: list[str]) -> None:
        super().__init__("\n".join(complaints))
        self.complaints = complaints


def _address(text: str) -> str:
    host, colon, port = text.rpartition(":")
    if not text.startswith("unix:") and not (colon and host and port.isdecimal() and int(port) < 65536):
        raise ValueError("must be HOST:PORT or unix:PATH; port 0 picks a free one")
    return text


def _base_url(text: str) -> str:
    if not text.startswith(("http://", "https://")) or "?" in text or "#" in text:
        raise ValueError("must be an http:// or https:// URL without a query")
    return text.rstrip("/")


Address = Annotated[str, AfterValidator(_address)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]


class UpstreamSettings(BaseModel):
    """One upstream. The key is given outright, or as the name of a variable or file that holds it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
    kind: Literal["openai", "embedded"]
    base_url: Annotated[str, AfterValidator(_base_url)] | None = None
    api_key: SecretStr | None = None
    api_key_env: str | None = None
    api_key_file: Path | None = None
    models: tuple[str, ...] = ()
    aliases: dict[str, str] = Field(default_factory=dict)
    transport: Literal["aiohttp", "httpx"] = "aiohttp"
    connect_timeout: Seconds = _TIMEOUTS.connect
    first_byte_timeout: Seconds = _TIMEOUTS.first_byte
    idle_timeout: Seconds = _TIMEOUTS.idle

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if self.name == "models":
            raise ValueError("name: 'models' is the prefix of model names and names no upstream")
        if self.kind == "openai" and self.base_url is None:
            raise ValueError("base_url: is required for kind openai")
        given = [key for key in ("api_key", "api_key_env", "api_key_file") if getattr(self, key) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)}: give one of them")
        return self

    @property
    def timeouts(self) -> Timeouts:
        return Timeouts(self.connect_timeout, self.first_byte_timeout, self.idle_timeout)

    def key(self, environment: Mapping[str, str]) -> str | None:
        """The key itself; raises ValueError if the variable or file it is said to be in has none."""
        if self.api_key_env is not None:
            if not (key := environment.get(self.api_key_env)):
                raise ValueError(f"api_key_env: the variable {self.api_key_env} is not set")
            return key
        if self.api_key_file is not None:
            try:
                return self.api_key_file.read_text().strip()
            except OSError as error:
                raise ValueError(f"api_key_file: {self.api_key_file}: {error.strerror}") from None
        return self.api_key.get_secret_value() if self.api_key else None


class Settings(BaseSettings):
    """How a server runs. Sizes in bytes, times in seconds."""

    model_config = SettingsConfigDict(env_prefix="MODELWIRE_", extra="ignore", frozen=True)

    config: Path | None = None
    grpc_address: Address = "127.0.0.1:50051"
    http_address: Address = "127.0.0.1:8080"
    no_http: bool = False
    target: Annotated[str, AfterValidator(_address)] = "127.0.0.1:50051"
    descriptor_set: tuple[Path, ...] = ()
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"
    max_request_bytes: Annotated[int, Field(ge=1024, le=2**30)] = 32 * 2**20
    drain_seconds: Annotated[float, Field(ge=0, le=86_400)] = 30.0
    upstreams: tuple[UpstreamSettings, ...] = ()

    @model_validator(mode="after")
    def _distinct_names(self) -> Self:
        repeated = [name for name, count in Counter(upstream.name for upstream in self.upstreams).items() if count > 1]
        if repeated:
            raise ValueError(f"upstreams: {', '.join(repeated)} is named twice")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        path = init_settings().get("config") or env_settings().get("config")
        if path is None:
            return init_settings, env_settings
        return init_settings, env_settings, _TomlFile(settings_cls, toml_file=path)


class _TomlFile(TomlConfigSettingsSource):
    """The TOML file; an unknown name in it is a complaint, unlike an unknown MODELWIRE_… variable."""

    def __call__(self) -> dict[str, Any]:
        values = super().__call__()
        if unknown := sorted(set(values) - set(Settings.model_fields)):
            raise ConfigurationError([f"{name}: no such option" for name in unknown])
        return values


def load_settings(options: Mapping[str, Any]) -> Settings:
    """Settings from command-line `options` (None = not given), the environment and the TOML file.

    Raises ConfigurationError.
    """
    given = {name: value for name, value in options.items() if value not in (None, ())}
    config = given.get("config") or os.environ.get("MODELWIRE_CONFIG")
    if config and not Path(config).is_file():
        raise ConfigurationError([f"config: {config}: no such file"])
    try:
        return Settings(**given)
    except ValidationError as error:
        raise ConfigurationError([_complaint(detail) for detail in error.errors(include_url=False)]) from None
    except ValueError as error:  # TOML that does not parse, JSON in a variable that does not
        raise ConfigurationError([f"{config or 'environment'}: {error}"]) from None


def upstreams_of(settings: Settings, environment: Mapping[str, str]) -> tuple[UpstreamSettings, ...]:
    """The upstreams to serve: those configured, else those the usual variables name, else the embedded models."""
    if settings.upstreams:
        return settings.upstreams
    found = []
    if key := environment.get("GEMINI_API_KEY"):
        host = environment.get("GOOGLE_GEMINI_BASE_URL") or GEMINI_HOST
        found.append(_from_environment("gemini", f"{host.rstrip('/')}/v1beta/openai", key))
    if base_url := environment.get("OPENAI_BASE_URL"):
        found.append(_from_environment("openai", base_url, environment.get("OPENAI_API_KEY")))
    return tuple(found) or (UpstreamSettings(name="embedded", kind="embedded"),)


def _from_environment(name: str, base_url: str, key: str | None) -> UpstreamSettings:
    try:
        return UpstreamSettings(name=name, kind="openai", base_url=base_url, api_key=SecretStr(key) if key else None)
    except ValidationError as error:
        raise ConfigurationError([f"{name}: {_complaint(detail)}" for detail in error.errors()]) from None


def _complaint(detail: Any) -> str:
    """One line of a pydantic error: where, and what is wrong; never the value, which may be a key."""
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in detail["loc"]).lstrip(".")
    message = detail["msg"].removeprefix("Value error, ")
    return f"{path}: {message}" if path else message
