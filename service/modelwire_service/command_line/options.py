"""The options of the commands, by group."""

from collections.abc import Callable
from typing import Any, Final

import click

Option = Callable[[Callable[..., Any]], Callable[..., Any]]


def option(name: str, told: str, setting: str | None = None, **attributes: Any) -> Option:
    """An option of a server. Its MODELWIRE_… variable is read by the settings, with the rest of them.

    `setting` is its name there and in the file, where that is not `name`.
    """
    setting = setting or name.removeprefix("--").replace("-", "_")
    return click.option(name, setting, default=None, help=f"{told}  [env var: {_variable(setting)}]", **attributes)


def list_option(name: str, told: str, setting: str | None = None, **attributes: Any) -> Option:
    """An option whose values make a list."""
    return option(name, f"{told}; may be given several times.", setting, multiple=True, **attributes)


def flag(name: str, told: str, setting: str | None = None, *, means: bool = True) -> Option:
    """An option without a value, which sets its setting to `means`."""
    return option(name, told, setting, is_flag=True, flag_value=means)


def client_option(name: str, **attributes: Any) -> Option:
    """An option of a command that calls a server; click itself reads its MODELWIRE_… variable."""
    return click.option(name, envvar=_variable(name.removeprefix("--")), show_envvar=True, **attributes)


def options(*group: Option) -> Option:
    """All of `group`, in this order."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for each in reversed(group):
            command = each(command)
        return command

    return decorate


def _variable(setting: str) -> str:
    return f"MODELWIRE_{setting.upper().replace('-', '_')}"


IMAGE: Final = "A FileDescriptorSet (protoc --include_imports --descriptor_set_out)"

CONFIG: Final = option("--config", "A TOML file with these options and the upstreams.", type=click.Path())
HTTP_ADDRESS: Final = option("--http-address", "Where REST listens: HOST:PORT or unix:PATH; default 127.0.0.1:8080.")

WORKERS: Final = option(
    "--workers", "How many processes serve, beside one that keeps them; default 1, auto: one a core."
)

EDGE: Final = options(
    list_option("--cors-origin", "An origin whose pages may call, or '*' for all", "cors_origins", metavar="ORIGIN"),
    list_option("--forward-header", "A header that calls get as metadata", "forwarded_headers", metavar="NAME"),
    list_option("--expose-metadata", "Metadata that answers get as a header", "exposed_metadata", metavar="NAME"),
    flag("--no-compression", "Never answer in gzip or zstd (in the variable: false).", "compression", means=False),
)
"""What the HTTP door does for whatever stands behind it."""

SAFETY: Final = options(
    list_option("--allowed-host", "A name to answer to, beside this machine's; *.NAME is all below", "allowed_hosts"),
    list_option("--trusted-proxy", "A proxy in front whose X-Forwarded-For is believed", "trusted_proxies"),
    option("--tls-certificate", "A PEM file with the certificate to show, and those behind it.", type=click.Path()),
    option("--tls-key", "A PEM file with its key. With both, TLS alone is spoken.", type=click.Path()),
)
"""Who is talked to, and how privately."""

CALLERS: Final = options(
    option("--auth", "Who may call: auto (default: who has a key, once there are keys), keys, none, pass-through."),
    option("--database", "Keys and usage: sqlite:///PATH or postgresql://…; default a file of yours.", metavar="URL"),
    option("--redis", "A Redis in which several servers count their callers' limits: redis://HOST/0."),
    flag("--no-usage", "Keep no record of calls.", "record_usage", means=False),
    option("--tls-client-ca", "A PEM file; gRPC callers must show a certificate it vouches for.", type=click.Path()),
    option("--max-concurrent-calls", "How many calls run at once; default 4096.", type=int),
    option("--max-queued-calls", "How many more wait for their turn; the rest get a 503; default 1024.", type=int),
)
"""What is asked of callers of the built-in service, and kept of their calls."""

TARGET_TLS: Final = options(
    flag("--target-tls", "Call the target over TLS; its certificate is verified."),
    option("--target-ca", "A PEM file with the authorities to verify it by, not the system's.", type=click.Path()),
    option("--target-certificate", "A PEM file with a certificate to show to the target.", type=click.Path()),
    option("--target-key", "A PEM file with the key of that.", type=click.Path()),
)

TRANSCODING: Final = options(
    option("--unknown-query", "What becomes of query keys that name no field: refuse (default) or ignore."),
    option("--unknown-fields", "What becomes of JSON members that no field has: refuse (default) or ignore."),
    option("--error-body", "The shape of errors: openai (default) or status, a bare google.rpc.Status."),
    flag("--print-zero-values", "Answer with fields that are 0, false or empty, too."),
    flag("--proto-field-names", "Answer with names as in the .proto file (page_token), not in JSON's (pageToken)."),
)
"""Choices between transcoders, for a gateway in front of any service."""

RUNNING: Final = options(
    option("--log-level", "debug, info (default), warning or error."),
    option("--log-format", "text (default) or json."),
    option("--max-request-bytes", "The largest request either door takes; default 33554432 (32 MiB).", type=int),
    option("--drain-notice-seconds", "How long it refuses calls before it stops listening; default 2.", type=float),
    option("--drain-seconds", "How long running calls may take to finish after SIGTERM; default 30.", type=float),
)
SERVER: Final = options(
    click.option(
        "--address",
        default="127.0.0.1:50051",
        show_default=True,
        envvar="MODELWIRE_GRPC_ADDRESS",
        show_envvar=True,
        help="The gRPC address of the running server.",
    ),
    client_option("--api-key", help="Your key, where the server asks for one."),
    click.option("--tls", is_flag=True, help="Call over TLS; the server's certificate is verified."),
    click.option("--ca", type=click.Path(), help="The same, with the authorities in this PEM file, not the system's."),
)
"""Which running server a command calls, and how."""
