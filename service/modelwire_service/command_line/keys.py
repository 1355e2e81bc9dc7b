"""`modelwire keys`: makes, lists and revokes the keys of those who may call."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import click
import orjson

from modelwire_service.command_line.database import DATABASE, opened
from modelwire_service.command_line.moments import Moment
from modelwire_service.command_line.text_table import text_table
from modelwire_service.storage.errors import KeyNotFound

if TYPE_CHECKING:
    from modelwire_service.access.caller import Limits
    from modelwire_service.access.keys import ApiKey

_AT_LEAST_ONE: Final = click.IntRange(1, 2**53)
_HEADINGS: Final = ("id", "name", "models", "limits", "created", "expires", "state")


class _Name(click.ParamType[str]):
    name = "name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value).strip()
        if not (text and text.isprintable() and len(text) <= 100):
            self.fail("must be of 1 to 100 printable characters", param, ctx)
        return text


@click.group()
def keys() -> None:
    """Make, list and revoke the keys of those who may call.

    Running servers that use the same database know of it within a second. As soon as there is one key, calls without
    one are refused, unless --auth says otherwise.
    """


@keys.command()
@click.argument("name", type=_Name())
@click.option(
    "--models", multiple=True, metavar="GLOB", help="Models it may call, as 'gpt-*'; may be given several times."
)
@click.option("--requests-per-minute", type=_AT_LEAST_ONE, metavar="N", help="How many calls a minute.")
@click.option("--tokens-per-minute", type=_AT_LEAST_ONE, metavar="N", help="How many tokens a minute, in and out.")
@click.option("--concurrency", type=_AT_LEAST_ONE, metavar="N", help="How many calls at the same time.")
@click.option("--expires", type=Moment(ahead=True), metavar="WHEN", help="30d, 12h or 2027-01-01 (UTC).")
@DATABASE
def create(
    name: str,
    models: tuple[str, ...],
    requests_per_minute: int | None,
    tokens_per_minute: int | None,
    concurrency: int | None,
    expires: datetime | None,
    config: str | None,
    database: str | None,
) -> None:
    """Make a key and print it, alone, on standard output. NAME is for people and need not be unique.

    Without options the key may call every model, without limits, until it is revoked.
    """
    from modelwire_service.access.caller import Limits

    limits = Limits(requests_per_minute, tokens_per_minute, concurrency)
    with opened(config, database) as storage:
        text, key = storage.keys().create(name, models, limits, expires)
    click.echo(text)
    click.echo(f"Key {key.id} ({key.name}) is made. Keep it: it is not shown again.", err=True)


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@DATABASE
def list_keys(as_json: bool, config: str | None, database: str | None) -> None:
    """List all keys, without their secrets, which nobody has."""
    with opened(config, database) as storage:
        found = storage.keys().all()
    if as_json:
        click.echo(orjson.dumps([_told(key) for key in found], option=orjson.OPT_INDENT_2))
    elif found:
        click.echo(text_table(_HEADINGS, [_row(key) for key in found]))
    else:
        click.echo("There are no keys; `modelwire keys create NAME` makes one.")


@keys.command()
@click.argument("key", metavar="ID")
@DATABASE
def revoke(key: str, config: str | None, database: str | None) -> None:
    """Revoke the key with this id, or with this name where only one has it."""
    with opened(config, database) as storage:
        try:
            revoked = storage.keys().revoke(key)
        except KeyNotFound as error:
            raise click.ClickException(str(error)) from None
    click.echo(f"Key {revoked.id} ({revoked.name}) is revoked since {_moment(revoked.revoked_at)}.")


def _state(key: "ApiKey") -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "active" if key.usable_at(datetime.now(UTC)) else "expired"


def _row(key: "ApiKey") -> list[str]:
    models = ", ".join(key.models) or "all"
    return [
        key.id,
        key.name,
        models,
        _limits(key.limits),
        _moment(key.created_at),
        _moment(key.expires_at) or "never",
        _state(key),
    ]


def _limits(limits: "Limits") -> str:
    told = (
        (limits.requests_per_minute, "requests/min"),
        (limits.tokens_per_minute, "tokens/min"),
        (limits.concurrency, "at once"),
    )
    return ", ".join(f"{number:,} {what}" for number, what in told if number is not None) or "none"


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else moment.strftime("%Y-%m-%d %H:%M")


def _told(key: "ApiKey") -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "models": key.models,
        "requests_per_minute": key.limits.requests_per_minute,
        "tokens_per_minute": key.limits.tokens_per_minute,
        "concurrency": key.limits.concurrency,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "state": _state(key),
    }
