"""Flag over variable over file over default; every complaint at once."""

import os
from pathlib import Path
from typing import Any

import pytest
from modelwire_service.settings import ConfigurationError, Settings, load_settings, upstreams_of
from modelwire_service.upstream_settings import UpstreamSettings
from pydantic import SecretStr

TOML = """
grpc_address = "127.0.0.1:1"
http_address = "127.0.0.1:2"
log_level = "debug"

[[upstreams]]
name = "local"
kind = "openai"
base_url = "http://127.0.0.1:9/v1/"
api_key_env = "LOCAL_KEY"
models = ["llama*"]
aliases = { fast = "llama:8b" }
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LOCAL_KEY", "a-key")
    path = tmp_path / "modelwire.toml"
    path.write_text(TOML)
    return path


def test_an_option_wins_over_a_variable_over_the_file_over_the_default(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELWIRE_HTTP_ADDRESS", "127.0.0.1:3")
    monkeypatch.setenv("MODELWIRE_LOG_LEVEL", "warning")
    settings = load_settings({"config": str(config), "log_level": "error"})
    found = (settings.log_level, settings.http_address, settings.grpc_address, settings.log_format)
    assert found == ("error", "127.0.0.1:3", "127.0.0.1:1", "text")


def test_the_file_may_be_named_by_a_variable(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELWIRE_CONFIG", str(config))
    (upstream,) = load_settings({}).upstreams
    assert (upstream.name, upstream.base_url, upstream.models) == ("local", "http://127.0.0.1:9/v1", ("llama*",))
    assert upstream.aliases == {"fast": "llama:8b"}


VARIABLES: dict[str, tuple[str, Any]] = {
    "grpc_address": ("127.0.0.1:1", "127.0.0.1:1"),
    "http_address": ("unix:/tmp/socket", "unix:/tmp/socket"),
    "no_http": ("true", True),
    "workers": ("3", 3),
    "target": ("example.com:443", "example.com:443"),
    "descriptor_set": ("/a.binpb", (Path("/a.binpb"),)),
    "log_level": ("debug", "debug"),
    "log_format": ("json", "json"),
    "max_request_bytes": ("2048", 2048),
    "drain_seconds": ("0.5", 0.5),
    "reflection_seconds": ("0.5", 0.5),
    "forwarded_headers": ("X-Tenant, cookie", ("x-tenant", "cookie")),
    "exposed_metadata": ("X-Model,,", ("x-model",)),
    "compression": ("false", False),
    "cors_origins": ("https://a.example, http://localhost:3000", ("https://a.example", "http://localhost:3000")),
    "cors_credentials": ("true", True),
    "cors_max_age_seconds": ("5", 5),
    "cors_exposed_headers": ("Grpc-Metadata-A", ("grpc-metadata-a",)),
    "unknown_query": ("ignore", "ignore"),
    "unknown_fields": ("ignore", "ignore"),
    "error_body": ("status", "status"),
    "print_zero_values": ("true", True),
    "proto_field_names": ("true", True),
    "auth": ("keys", "keys"),
    "database": ("sqlite:////tmp/a.db", SecretStr("sqlite:////tmp/a.db")),
    "redis": ("redis://127.0.0.1/0", SecretStr("redis://127.0.0.1/0")),
    "record_usage": ("false", False),
    "max_concurrent_calls": ("5", 5),
    "max_queued_calls": ("0", 0),
    "max_connections": ("7", 7),
    "max_request_bytes_in_flight": ("2048", 2048),
    "default_deadline": ("5", 5.0),
    "max_deadline": ("6.5", 6.5),
    "keep_alive_seconds": ("1", 1.0),
    "drain_notice_seconds": ("0", 0.0),
    "allowed_hosts": ("API.example.com, *.internal", ("api.example.com", "*.internal")),
    "trusted_proxies": ("10.0.0.0/8, ::1, unix", ("10.0.0.0/8", "::1", "unix")),
    "tls_certificate": ("/c.pem", Path("/c.pem")),
    "tls_key": ("/k.pem", Path("/k.pem")),
    "tls_client_ca": ("/ca.pem", Path("/ca.pem")),
    "target_tls": ("true", True),
    "target_ca": ("/ca.pem", Path("/ca.pem")),
    "target_certificate": ("/c.pem", Path("/c.pem")),
    "target_key": ("/k.pem", Path("/k.pem")),
    "upstreams": (
        '[{"name": "a", "kind": "embedded"}]',
        (UpstreamSettings(name="a", kind="embedded"),),
    ),
}
"""What each variable may say, and what it then means."""


@pytest.mark.parametrize("field", VARIABLES)
def test_a_variable_is_read(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text, value = VARIABLES[field]
    assert getattr(Settings(), field) != value
    monkeypatch.setenv(f"MODELWIRE_{field.upper()}", text)
    assert getattr(load_settings({}), field) == value


def test_every_field_is_read_from_its_variable() -> None:
    shown_elsewhere = {"config"}  # by test_the_file_may_be_named_by_a_variable
    assert set(VARIABLES) | shown_elsewhere == set(Settings.model_fields)


def test_a_variable_may_name_several_descriptor_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELWIRE_DESCRIPTOR_SET", os.pathsep.join(["/a.binpb", "b c.binpb"]))
    assert load_settings({}).descriptor_set == (Path("/a.binpb"), Path("b c.binpb"))


def test_a_list_in_the_file_gives_way_to_one_on_the_command_line(config: Path) -> None:
    config.write_text('cors_origins = ["https://a.example"]\nexposed_metadata = ["x-a"]\ncompression = true')
    settings = load_settings({"config": str(config), "cors_origins": ("*",), "compression": False})
    assert (settings.cors_origins, settings.exposed_metadata) == (("*",), ("x-a",))
    assert not settings.compression


@pytest.mark.parametrize(
    ("written", "origin"),
    [
        ("*", "*"),
        ("https://a.example", "https://a.example"),
        ("HTTPS://A.Example", "https://a.example"),
        ("https://a.example:443", "https://a.example"),
        ("http://a.example:80", "http://a.example"),
        ("http://a.example:443", "http://a.example:443"),
        ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("capacitor://localhost", "capacitor://localhost"),
    ],
)
def test_an_origin_is_what_browsers_make_of_it(written: str, origin: str) -> None:
    assert load_settings({"cors_origins": (written,)}).cors_origins == (origin,)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "null",
        "a.example",
        "https://",
        "https://a.example/",
        "https://a.example/path",
        "https://a.example?b",
        "https://*.example",
        "https://user@a.example",
        "https://a.example:",
        "https://a.example:65536",
        "https://a.example:0443",
        "https://a.example\n",
    ],
)
def test_what_is_no_origin_is_refused(written: str) -> None:
    with pytest.raises(ConfigurationError, match=r"cors_origins\[0\]: must be SCHEME://HOST"):
        load_settings({"cors_origins": (written,)})


@pytest.mark.parametrize("field", ["forwarded_headers", "exposed_metadata"])
@pytest.mark.parametrize(
    "name", ["", "a b", "a\n", "grpc-timeout", "Host", "content-length", "x-request-id", "a!", "é"]
)
def test_what_cannot_be_metadata_is_refused(field: str, name: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"{field}\[0\]: must be of letters"):
        load_settings({field: (name,)})


@pytest.mark.parametrize(
    ("text", "complaints"),
    [
        ('http_address = "here"', ["http_address: must be HOST:PORT"]),
        ('colour = "red"', ["colour: no such option"]),
        ("http_address = ", ["modelwire.toml: "]),
        ('[[upstreams]]\nname = "a"\nkind = "openai"', ["upstreams[0].base_url: is required"]),
        ('[[upstreams]]\nname = "models"\nkind = "embedded"', ["upstreams[0].name: 'models'"]),
        (
            'cors_origins = ["*"]\ncors_credentials = true\ncors_exposed_headers = ["a b"]\nreflection_seconds = 0',
            ["cors_credentials: browsers send none", "cors_exposed_headers[0]: must be", "reflection_seconds: "],
        ),
        ('unknown_query = "keep"\nerror_body = "xml"', ["unknown_query: ", "error_body: "]),
        ('[[upstreams]]\nname = "a"\nkind = "carrier-pigeon"', ["upstreams[0].kind: "]),
        ('[[upstreams]]\nname = "a"\nkind = "embedded"\nspeed = 1', ["upstreams[0].speed: "]),
        (
            '[[upstreams]]\nname = "a"\nkind = "embedded"\napi_version = "v1"\nallowed_media_hosts = ["x"]',
            ["upstreams[0].api_version: means nothing", "upstreams[0].allowed_media_hosts: means nothing"],
        ),
        (
            '[[upstreams]]\nname = "a"\nkind = "gemini"\napi_version = "../v1"\nallowed_media_hosts = ["http://x"]',
            ["upstreams[0].api_version: ", "upstreams[0].allowed_media_hosts[0]: "],
        ),
        (
            '[[upstreams]]\nname = "a"\nkind = "gemini"\nallowed_media_hosts = ["x:", "x:y", "x:0", "x:65536", "x:1"]',
            [f"upstreams[0].allowed_media_hosts[{at}]: " for at in range(4)],
        ),
        ('[[upstreams]]\nname = "a"\nkind = "openai"\nbase_url = "ftp://a"', ["upstreams[0].base_url: must be"]),
        (
            'log_level = "loud"\nmax_request_bytes = 1\ndrain_seconds = -1',
            ["log_level: ", "max_request_bytes: ", "drain_seconds: "],
        ),
        (
            '[[upstreams]]\nname = "a"\nkind = "embedded"\n[[upstreams]]\nname = "a"\nkind = "embedded"',
            ["upstreams: a is named twice"],
        ),
    ],
)
def test_complaints(text: str, complaints: list[str], config: Path) -> None:
    config.write_text(text)
    with pytest.raises(ConfigurationError) as raised:
        load_settings({"config": str(config)})
    found = sorted(raised.value.complaints)
    assert len(found) == len(complaints)
    assert all(wanted in complaint for complaint, wanted in zip(found, sorted(complaints), strict=True))


def test_a_file_that_is_not_there_is_a_complaint(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="No such file"):
        load_settings({"config": str(tmp_path / "none.toml")})


@pytest.mark.parametrize(
    ("environment", "upstreams"),
    [
        ({}, [("embedded", "embedded", None)]),
        ({"OPENAI_API_KEY": "k"}, [("embedded", "embedded", None)]),
        (
            {"GEMINI_API_KEY": "k"},
            [("gemini", "gemini", "https://generativelanguage.googleapis.com")],
        ),
        (
            {"GEMINI_API_KEY": "k", "GOOGLE_GEMINI_BASE_URL": "http://127.0.0.1:9/"},
            [("gemini", "gemini", "http://127.0.0.1:9")],
        ),
        *(
            (
                {"GEMINI_API_KEY": "k", "GOOGLE_GEMINI_BASE_URL": f"http://127.0.0.1:9/{base}"},
                [("gemini", "gemini", "http://127.0.0.1:9")],
            )
            for base in ("v1beta", "v1beta/", "v1beta/openai", "v1beta/openai/")
        ),
        ({"OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}, [("openai", "openai", "http://127.0.0.1:9/v1")]),
        (
            {"GEMINI_API_KEY": "k", "OPENAI_BASE_URL": "http://127.0.0.1:9/v1", "OPENAI_API_KEY": "j"},
            [
                ("gemini", "gemini", "https://generativelanguage.googleapis.com"),
                ("openai", "openai", "http://127.0.0.1:9/v1"),
            ],
        ),
    ],
)
def test_the_usual_variables_select_upstreams(environment: dict[str, str], upstreams: list[Any]) -> None:
    found = upstreams_of(Settings(), environment)
    assert [(upstream.name, upstream.kind, upstream.base_url) for upstream in found] == upstreams


def test_a_key_comes_from_where_it_is_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from-file\n")
    base = {"name": "a", "kind": "openai", "base_url": "http://127.0.0.1:9"}
    (tmp_path / "keys").write_text("from-file\n\n  second \n")
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({"api_key": "outright"}, ["outright"]),
        ({"api_keys": ["outright", "other"]}, ["outright", "other"]),
        ({"api_key_env": "KEY"}, ["from-env"]),
        ({"api_keys_env": ["KEY", "OTHER_KEY"]}, ["from-env", "other"]),
        ({"api_key_file": str(tmp_path / "key")}, ["from-file"]),
        ({"api_key_file": str(tmp_path / "keys")}, ["from-file", "second"]),
        ({}, []),
    ]
    for given, keys in cases:
        settings = UpstreamSettings.model_validate(base | given)
        assert settings.keys({"KEY": "from-env", "OTHER_KEY": "other"}) == keys
    with pytest.raises(ValueError, match="NONE holds no key"):
        UpstreamSettings.model_validate(base | {"api_key_env": "NONE"}).keys({})
    with pytest.raises(ValueError, match="No such file"):
        UpstreamSettings.model_validate(base | {"api_key_file": "/nonexistent"}).keys({})


def test_no_complaint_and_no_repr_shows_a_key() -> None:
    settings = {"name": "a", "kind": "openai", "base_url": "http://127.0.0.1:9", "api_key": "sk-planted"}
    assert "sk-planted" not in repr(UpstreamSettings.model_validate(settings))
    with pytest.raises(ConfigurationError) as raised:
        load_settings({"upstreams": [{**settings, "api_key": ["sk-planted"]}]})
    assert "sk-planted" not in str(raised.value)
