"""The `modelwire` command: serve, gateway, keys, usage, models, chat, check-config, openapi."""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import click
import uvloop

from modelwire_service import __version__
from modelwire_service.command_line.keys import keys
from modelwire_service.command_line.options import (
    CALLERS,
    CONFIG,
    EDGE,
    HTTP_ADDRESS,
    IMAGE,
    RUNNING,
    SAFETY,
    SERVER,
    TARGET_TLS,
    TRANSCODING,
    WORKERS,
    client_option,
    flag,
    list_option,
    option,
    options,
)
from modelwire_service.command_line.usage import usage
from modelwire_service.settings import ConfigurationError, Settings, load_settings

# The embedded model's process is forked before grpc has anything to protect; its fork handlers only log noise.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
# Its listener would have two threads of its own between a socket and the one that waits for calls.
os.environ.setdefault("GRPC_EXPERIMENTS", "-event_engine_listener")
# What it would write to standard error on its own is told as an error of ours, or is the caller's business.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, message="modelwire %(version)s")
def main() -> None:
    """One contract for chat, embeddings and models, served as gRPC and as OpenAI-compatible REST."""


@main.command()
@options(
    CONFIG,
    option("--grpc-address", "Where gRPC listens: HOST:PORT or unix:PATH; default 127.0.0.1:50051."),
    HTTP_ADDRESS,
    flag("--no-http", "Serve gRPC alone."),
    WORKERS,
    CALLERS,
    SAFETY,
    EDGE,
    RUNNING,
)
def serve(**given: Any) -> None:
    """Serve gRPC and REST, in one process or in several.

    Without configuration, GEMINI_API_KEY and OPENAI_BASE_URL (with OPENAI_API_KEY) name the upstreams; without
    those, small models embedded in the process answer. Port 0 picks a free port. SIGTERM and Ctrl-C finish what
    runs, then end; the second of them ends at once.
    """
    settings = _settings(given)
    if settings.workers > 1:
        from modelwire_service.workers.supervisor import supervise as run
    else:
        from modelwire_service.command_line.serve import serve as run
    _run(settings, lambda: run(settings, os.environ))


@main.command()
@options(
    CONFIG,
    option("--target", "The gRPC server to stand in front of: HOST:PORT or unix:PATH; default 127.0.0.1:50051."),
    list_option("--descriptor-set", f"{IMAGE} of what to serve, instead of asking the target", type=click.Path()),
    HTTP_ADDRESS,
    TARGET_TLS,
    SAFETY,
    EDGE,
    TRANSCODING,
    RUNNING,
)
def gateway(**given: Any) -> None:
    """Serve REST alone, for a gRPC server elsewhere.

    Without --descriptor-set, the target is asked by server reflection which services it has, and asked again
    while the gateway runs: what changes there changes here.
    """
    from modelwire_service.command_line.gateway import run_gateway

    settings = _settings(given)
    _run(settings, lambda: run_gateway(settings))


@main.command()
@SERVER
def models(**server: Any) -> None:
    """List the models of a running server."""
    from modelwire_service.command_line.client import CallFailedError, Server, model_ids

    try:
        click.echo("\n".join(model_ids(Server(**server))))
    except CallFailedError as error:
        raise click.ClickException(str(error)) from None


@main.command()
@SERVER
@client_option("--model", help="The model to ask.  [default: the first the server lists]")
@client_option("--system", help="Instructions that come before the prompt.")
@click.argument("prompt")
def chat(model: str | None, system: str | None, prompt: str, **options: Any) -> None:
    """Ask a running server PROMPT; the reply streams."""
    from modelwire_service.command_line.client import CallFailedError, Server, chat_pieces, first_model_id

    server = Server(**options)
    try:
        for piece in chat_pieces(server, model or first_model_id(server), prompt, system):
            click.echo(piece, nl=False)
    except CallFailedError as error:
        raise click.ClickException(str(error)) from None
    click.echo()


@main.command("check-config")
@CONFIG
def check_config(**given: Any) -> None:
    """Say what is wrong with the configuration."""
    from modelwire_service.command_line.prepared import prepare
    from modelwire_service.workers.shares import refuse_unshareable

    settings = _settings(given)
    try:
        prepared = prepare(settings, os.environ)
        refuse_unshareable(settings, prepared.configured)
    except ConfigurationError as error:
        raise _refused(error) from None
    for upstream in prepared.configured:
        click.echo(f"upstream  {upstream.name}  {upstream.kind}  {upstream.base_url or ''}".rstrip())
    click.echo("The configuration can be used.")


@main.command()
@click.option(
    "--descriptor-set", "images", help=f"{IMAGE}; may be given several times.", type=click.Path(), multiple=True
)
@click.option("--target", help="A running gRPC server to ask by server reflection: HOST:PORT or unix:PATH.")
@click.option("--output", help="The file to write; standard output if there is none.", type=click.Path())
def openapi(images: tuple[str, ...], target: str | None, output: str | None) -> None:
    """Write the OpenAPI document of annotated services.

    They are those of the descriptor sets, those of the target, or the built-in contract if neither is given. A
    running server has the document of what it serves at /openapi.json.
    """
    from modelwire_service.command_line.openapi import openapi_text, openapi_text_of_target

    if images and target:
        raise click.UsageError("--descriptor-set and --target exclude each other")
    try:
        text = asyncio.run(openapi_text_of_target(target)) if target else openapi_text([Path(path) for path in images])
        if output is None:
            click.echo(text, nl=False)
        else:
            Path(output).write_text(text, encoding="utf-8")
    except ConfigurationError as error:
        raise _refused(error) from None
    except OSError as error:
        raise click.ClickException(str(error)) from None


def _settings(given: dict[str, Any]) -> Settings:
    try:
        return load_settings(given)
    except ConfigurationError as error:
        raise _refused(error) from None


def _run(settings: Settings, run: Callable[[], Coroutine[Any, Any, None]]) -> None:
    from modelwire_service.command_line.open_files import raise_open_file_limit
    from modelwire_service.logs import set_up_logs

    set_up_logs(settings.log_level, settings.log_format)
    raise_open_file_limit()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run())
    except ConfigurationError as error:
        raise _refused(error) from None
    except OSError as error:
        raise click.ClickException(str(error)) from None


def _refused(error: ConfigurationError) -> click.ClickException:
    return click.ClickException("the configuration cannot be used:\n  " + "\n  ".join(error.complaints))


main.add_command(keys)
main.add_command(usage)

if __name__ == "__main__":
    sys.exit(main())
