"""Configuration: command-line options over MODELWIRE_… variables over one TOML file.

Every complaint is told at once, before anything listens. Keys are kept as SecretStr, so that no `repr` shows them.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from modelwire_service.cores import cores
from modelwire_service.http_settings import HeaderNames, Hosts, MetadataKeys, Origins, Proxies, no_credentials_for_all
from modelwire_service.upstream_settings import GEMINI_HOST, Seconds, UpstreamSettings, gemini_host, incoherences


class ConfigurationError(Exception):
    """The configuration cannot be used; `complaints` has one line for each thing that is wrong."""

    def __init__(self, complaints: list[str]) -> None:
        super().__init__("\n".join(complaints))
        self.complaints = complaints


def _address(text: str) -> str:
    host, _, port = text.rpartition(":")
    bare_ipv6 = ":" in host and not (host.startswith("[") and host.endswith("]"))
    is_port = port.isascii() and port.isdigit() and int(port) < 65536
    if not (text.removeprefix("unix:") if text.startswith("unix:") else host and is_port and not bare_ipv6):
        raise ValueError("must be HOST:PORT, with a port below 65536, [IPV6]:PORT or unix:PATH")
    return text


def _paths(given: Any) -> Any:
    """A variable holds one text; several paths in it are separated as those of PATH are."""
    return given.split(os.pathsep) if isinstance(given, str) else given


def _workers(given: Any) -> Any:
    return cores() if given == "auto" else given


Address = Annotated[str, AfterValidator(_address)]
RefuseOrIgnore = Literal["refuse", "ignore"]


class Settings(BaseSettings):
    """How a server runs. Sizes in bytes, times in seconds."""

    model_config = SettingsConfigDict(env_prefix="MODELWIRE_", extra="ignore", frozen=True)

    config: Path | None = None
    grpc_address: Address = "127.0.0.1:50051"
    http_address: Address = "127.0.0.1:8080"
    no_http: bool = False
    workers: Annotated[int, BeforeValidator(_workers), Field(ge=1, le=256)] = 1
    """How many processes serve; `auto` is one a core there is."""
    target: Address = "127.0.0.1:50051"
    descriptor_set: Annotated[tuple[Path, ...], NoDecode, BeforeValidator(_paths)] = ()
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"
    max_request_bytes: Annotated[int, Field(ge=1024, le=2**30)] = 32 * 2**20
    drain_seconds: Annotated[float, Field(ge=0, le=86_400)] = 30.0
    reflection_seconds: Annotated[float, Field(gt=0, le=86_400)] = 10.0
    forwarded_headers: MetadataKeys = ()
    exposed_metadata: MetadataKeys = ()
    compression: bool = True
    cors_origins: Origins = ()
    cors_credentials: Annotated[bool, AfterValidator(no_credentials_for_all)] = False
    cors_max_age_seconds: Annotated[int, Field(ge=0, le=86_400)] = 600
    cors_exposed_headers: HeaderNames = ()
    unknown_query: RefuseOrIgnore = "refuse"
    unknown_fields: RefuseOrIgnore = "refuse"
    error_body: Literal["openai", "status"] = "openai"
    print_zero_values: bool = False
    proto_field_names: bool = False
    auth: Literal["auto", "keys", "none", "pass-through"] = "auto"
    """`auto` asks for keys once there are any."""
    database: SecretStr | None = None
    """The URL of the database of keys and usage (`sqlite:///PATH`, `postgresql://…`); a file of the user's if none."""
    redis: SecretStr | None = None
    """The URL of a Redis that several processes count their callers' limits in."""
    record_usage: bool = True
    max_concurrent_calls: Annotated[int, Field(ge=1, le=1_000_000)] = 4_096
    max_queued_calls: Annotated[int, Field(ge=0, le=1_000_000)] = 1_024
    max_connections: Annotated[int, Field(ge=1, le=1_000_000)] = 16_384
    max_request_bytes_in_flight: Annotated[int, Field(ge=1024, le=2**40)] = 512 * 2**20
    default_deadline: Seconds = 600.0
    """For calls whose caller gives none: to the answer, or to the first of a stream."""
    max_deadline: Seconds = 3_600.0
    """The longest a call may take, streams included, whatever its caller gives."""
    keep_alive_seconds: Annotated[float, Field(gt=0, le=86_400)] = 15.0
    drain_notice_seconds: Annotated[float, Field(ge=0, le=86_400)] = 2.0
    allowed_hosts: Hosts = ()
    trusted_proxies: Proxies = ()
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_client_ca: Path | None = None
    target_tls: bool = False
    target_ca: Path | None = None
    target_certificate: Path | None = None
    target_key: Path | None = None
    upstreams: tuple[UpstreamSettings, ...] = ()

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
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=path)


def load_settings(options: Mapping[str, Any]) -> Settings:
    """Settings from command-line `options` (None = not given), the environment and the TOML file.

    Raises ConfigurationError with every complaint there is.
    """
    given = {name: value for name, value in options.items() if value not in (None, ())}
    written = _read_toml(given.get("config") or os.environ.get("MODELWIRE_CONFIG"))
    # An unknown name in the file is a complaint; an unknown MODELWIRE_… variable may be somebody else's.
    complaints = [f"{name}: no such option" for name in written if name not in Settings.model_fields]
    upstreams = given.get("upstreams", written.get("upstreams"))
    complaints += incoherences(upstreams if isinstance(upstreams, list) else [], os.environ)
    try:
        settings = Settings(**given)
    except ValidationError as error:
        complaints += [_complaint(detail) for detail in error.errors(include_url=False)]
    except ValueError as error:  # a variable that should hold JSON and does not
        complaints.append(f"environment: {error}")
    if complaints:
        raise ConfigurationError(complaints)
    return settings


def upstreams_of(settings: Settings, environment: Mapping[str, str]) -> tuple[UpstreamSettings, ...]:
    """The upstreams to serve: those configured, else those the usual variables name, else the embedded models."""
    if settings.upstreams:
        return settings.upstreams
    found = []
    if key := environment.get("GEMINI_API_KEY"):
        host = environment.get("GOOGLE_GEMINI_BASE_URL") or GEMINI_HOST
        found.append(_from_environment("gemini", "GOOGLE_GEMINI_BASE_URL", gemini_host(host), key))
    if server := environment.get("OPENAI_BASE_URL"):
        found.append(_from_environment("openai", "OPENAI_BASE_URL", server, environment.get("OPENAI_API_KEY")))
    return tuple(found) or (UpstreamSettings(name="embedded", kind="embedded"),)


def _from_environment(
    name: Literal["gemini", "openai"], variable: str, base_url: str, key: str | None
) -> UpstreamSettings:
    try:
        return UpstreamSettings(name=name, kind=name, base_url=base_url, api_key=SecretStr(key) if key else None)
    except ValidationError as error:
        raise ConfigurationError([f"{variable}: {_message(detail)}" for detail in error.errors()]) from None


def _read_toml(path: str | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        return tomllib.loads(Path(path).read_text())
    except OSError as error:
        raise ConfigurationError([f"config: {path}: {error.strerror}"]) from None
    except ValueError as error:
        raise ConfigurationError([f"{path}: {error}"]) from None


def _complaint(detail: Any) -> str:
    """One line of a pydantic error: where, and what is wrong; never the value, which may be a key."""
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in detail["loc"]).lstrip(".")
    return f"{path}: {_message(detail)}"


def _message(detail: Any) -> str:
    if detail["type"] == "extra_forbidden":
        return "no such option"
    return str(detail["msg"]).removeprefix("Value error, ")
