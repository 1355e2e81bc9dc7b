"""The `modelwire` command: serve, gateway, models, chat, check-config."""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import click
import uvloop

from modelwire_service import __version__
from modelwire_service.settings import ConfigurationError, Settings, load_settings, upstreams_of

# The embedded model's process is forked before grpc has anything to protect; its fork handlers only log noise.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
# What it would write to standard error on its own is told as an error of ours, or is the caller's business.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

Option = Callable[[Callable[..., Any]], Callable[..., Any]]


def _option(name: str, help_text: str, **attributes: Any) -> Option:
    """An option of a server. Its MODELWIRE_… variable is read by the settings, with the rest of them."""
    return click.option(name, default=None, help=f"{help_text}  [env var: {_variable(name)}]", **attributes)


def _client_option(name: str, **attributes: Any) -> Option:
    return click.option(name, envvar=_variable(name), show_envvar=True, **attributes)


def _variable(name: str) -> str:
    return "MODELWIRE_" + name.removeprefix("--").replace("-", "_").upper()


def _options(*options: Option) -> Option:
    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


_CONFIG = _option("--config", "A TOML file with these options and the upstreams.", type=click.Path())
_HTTP_ADDRESS = _option("--http-address", "Where REST listens: HOST:PORT or unix:PATH; default 127.0.0.1:8080.")
_RUNNING = _options(
    _option("--log-level", "debug, info (default), warning or error."),
    _option("--log-format", "text (default) or json."),
    _option("--max-request-bytes", "The largest request either door takes; default 33554432 (32 MiB).", type=int),
    _option("--drain-seconds", "How long running calls may take to finish after SIGTERM; default 30.", type=float),
)
_ADDRESS = click.option(
    "--address",
    default="127.0.0.1:50051",
    show_default=True,
    envvar="MODELWIRE_GRPC_ADDRESS",
    show_envvar=True,
    help="The gRPC address of the running server.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, message="modelwire %(version)s")
def main() -> None:
    """One contract for chat, embeddings and models, served as gRPC and as OpenAI-compatible REST."""


@main.command()
@_options(
    _CONFIG,
    _option("--grpc-address", "Where gRPC listens: HOST:PORT or unix:PATH; default 127.0.0.1:50051."),
    _HTTP_ADDRESS,
    _option("--no-http", "Serve gRPC alone.", is_flag=True, flag_value=True),
    _RUNNING,
)
def serve(**options: Any) -> None:
    """Serve gRPC and REST in one process.

    Without configuration, GEMINI_API_KEY and OPENAI_BASE_URL (with OPENAI_API_KEY) name the upstreams; without
    those, small models embedded in the process answer. Port 0 picks a free port. SIGTERM and Ctrl-C finish what
    runs, then end.
    """
    from modelwire_service.command_line.serve import serve as run

    settings = _settings(options)
    _run(settings, lambda: run(settings, os.environ))


@main.command()
@_options(
    _CONFIG,
    _option("--target", "The gRPC server to stand in front of: HOST:PORT or unix:PATH; default 127.0.0.1:50051."),
    _option(
        "--descriptor-set",
        "A FileDescriptorSet (protoc --include_imports) of annotated services to serve in place of the built-in"
        " contract; may be given several times.",
        type=click.Path(),
        multiple=True,
    ),
    _HTTP_ADDRESS,
    _RUNNING,
)
def gateway(**options: Any) -> None:
    """Serve REST alone, for a gRPC server elsewhere."""
    from modelwire_service.command_line.gateway import run_gateway

    settings = _settings(options)
    _run(settings, lambda: run_gateway(settings))


@main.command()
@_ADDRESS
def models(address: str) -> None:
    """List the models of a running server."""
    from modelwire_service.command_line.client import CallFailedError, model_ids

    try:
        click.echo("\n".join(model_ids(address)))
    except CallFailedError as error:
        raise click.ClickException(str(error)) from None


@main.command()
@_ADDRESS
@_client_option("--model", help="The model to ask.  [default: the first the server lists]")
@_client_option("--system", help="Instructions that come before the prompt.")
@click.argument("prompt")
def chat(address: str, model: str | None, system: str | None, prompt: str) -> None:
    """Ask a running server PROMPT; the reply streams."""
    from modelwire_service.command_line.client import CallFailedError, chat_pieces, first_model_id

    try:
        for piece in chat_pieces(address, model or first_model_id(address), prompt, system):
            click.echo(piece, nl=False)
    except CallFailedError as error:
        raise click.ClickException(str(error)) from None
    click.echo()


@main.command("check-config")
@_CONFIG
def check_config(**options: Any) -> None:
    """Say what is wrong with the configuration."""
    from modelwire_service.upstreams.registry import build_catalog

    settings = _settings(options)
    try:
        configured = upstreams_of(settings, os.environ)
        build_catalog(configured, os.environ)
    except ConfigurationError as error:
        raise _refused(error) from None
    for upstream in configured:
        click.echo(f"upstream  {upstream.name}  {upstream.kind}  {upstream.base_url or ''}".rstrip())
    click.echo("The configuration can be used.")


def _settings(options: dict[str, Any]) -> Settings:
    try:
        return load_settings(options)
    except ConfigurationError as error:
        raise _refused(error) from None


def _run(settings: Settings, run: Callable[[], Coroutine[Any, Any, None]]) -> None:
    from modelwire_service.logs import set_up_logs

    set_up_logs(settings.log_level, settings.log_format)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run())
    except ConfigurationError as error:
        raise _refused(error) from None
    except OSError as error:
        raise click.ClickException(str(error)) from None


def _refused(error: ConfigurationError) -> click.ClickException:
    return click.ClickException("the configuration cannot be used:\n  " + "\n  ".join(error.complaints))


if __name__ == "__main__":
    sys.exit(main())
