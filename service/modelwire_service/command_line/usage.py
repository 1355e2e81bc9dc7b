"""`modelwire usage`: who used how much of what."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import click
import orjson

from modelwire_service.command_line.database import DATABASE, opened
from modelwire_service.command_line.moments import Moment
from modelwire_service.command_line.text_table import bar, text_table
from modelwire_service.usage.groups import GROUPS

if TYPE_CHECKING:
    from modelwire_service.storage.usage_sums import UsageSum
    from modelwire_service.usage.rows import UsageRow

_NUMBERS: Final = ("calls", "ok", "failed", "cancelled", "in", "out", "cached", "reasoning", "mean", "p50", "p95")
_CALL_HEADINGS: Final = (
    *("began (UTC)", "key", "model", "upstream", "outcome", "ms", "first", "in", "out", "cached", "reasoning"),
    *("tries", "id"),
)
_CALL_NUMBERS: Final = ("ms", "first", "in", "out", "cached", "reasoning", "tries")


@click.command()
@click.option("--since", type=Moment(), metavar="WHEN", help="Calls from there on: 24h, 7d or 2027-01-31 (UTC).")
@click.option("--until", type=Moment(), metavar="WHEN", help="Calls before that.")
@click.option("--by", multiple=True, type=click.Choice(GROUPS), help="A line each; several make finer ones.  [model]")
@click.option("--last", type=click.IntRange(1, 1_000_000), metavar="N", help="The last N calls, one a line.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@DATABASE
def usage(
    since: datetime | None,
    until: datetime | None,
    by: tuple[str, ...],
    last: int | None,
    as_json: bool,
    config: str | None,
    database: str | None,
) -> None:
    """Show who used how much: calls, tokens, milliseconds to the first token (mean, p50, p95).

    The bars are shares of all tokens, or of all calls where no upstream told any tokens.
    """
    if last is not None and (since or until or by):
        raise click.UsageError("--last goes with neither --since nor --until nor --by")
    by = tuple(dict.fromkeys(by)) or ("model",)
    with opened(config, database) as storage:
        store = storage.usage()
        if last is not None:
            click.echo(_calls(store.recent(last), as_json))
            return
        sums, (total,) = store.summary(since, until, by), store.summary(since, until)
    click.echo(_sums_as_json(sums, total, by) if as_json else _sums(sums, total, by))


def _sums(sums: "Sequence[UsageSum]", total: "UsageSum", by: Sequence[str]) -> str:
    if not total.calls:
        return "No calls are recorded there."
    rows = [[*(name or "-" for name in each.group), *_numbers(each), bar(_share(each, total))] for each in sums]
    all_calls = [*("total", *("" for _ in by[1:])), *_numbers(total), ""]
    return text_table((*by, *_NUMBERS, ""), [*rows, all_calls], right=_NUMBERS)


def _numbers(each: "UsageSum") -> list[str]:
    counts = (each.calls, each.succeeded, each.failed, each.cancelled)
    tokens = (each.input_tokens, each.output_tokens, each.cached_tokens, each.reasoning_tokens)
    times = (each.first_token_mean_ms, each.first_token_p50_ms, each.first_token_p95_ms)
    return [_number(number) for number in (*counts, *tokens, *times)]


def _share(each: "UsageSum", total: "UsageSum") -> float:
    tokens = total.input_tokens + total.output_tokens
    return (each.input_tokens + each.output_tokens) / tokens if tokens else each.calls / total.calls


def _calls(rows: "Sequence[UsageRow]", as_json: bool) -> str:
    if as_json:
        return _json([row._asdict() | {"started_at": datetime.fromtimestamp(row.started_at, UTC)} for row in rows])
    if not rows:
        return "No calls are recorded."
    return text_table(_CALL_HEADINGS, [_call(row) for row in rows], right=_CALL_NUMBERS)


def _call(row: "UsageRow") -> list[str]:
    began = datetime.fromtimestamp(row.started_at, UTC).strftime("%Y-%m-%d %H:%M:%S")
    names = (row.key_name or row.key_id, row.model, row.upstream, row.outcome)
    tokens = (row.input_tokens, row.output_tokens, row.cached_tokens, row.reasoning_tokens)
    numbers = (row.duration_ms, row.first_token_ms, *tokens, row.attempts)
    return [began, *(name or "-" for name in names), *map(_number, numbers), row.call_id]


def _number(number: float | None) -> str:
    return "-" if number is None else f"{number:,.0f}"


def _sums_as_json(sums: "Sequence[UsageSum]", total: "UsageSum", by: Sequence[str]) -> str:
    rows = [dict(zip(by, each.group, strict=True)) | _plain(each) for each in sums]
    return _json({"rows": rows, "total": _plain(total)})


def _plain(each: "UsageSum") -> dict[str, Any]:
    return {name: value for name, value in asdict(each).items() if name != "group"}


def _json(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
