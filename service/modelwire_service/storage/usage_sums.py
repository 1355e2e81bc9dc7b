"""Sums of usage, in statements that SQLite and PostgreSQL both know.

Percentiles are those of nearest rank. The database counts how often each time to a first token is there, which is
kept to a tenth of a millisecond, and the ranks are counted here: a third of the time that ranking every call takes.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, case, func, select
from sqlalchemy.types import String

from modelwire_service.storage.tables import USAGE

_COUNTS: Final = ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens")
_Times = dict[tuple[str, ...], list[tuple[float, int]]]


@dataclass(frozen=True, slots=True)
class UsageSum:
    """The calls of one group. `failed` are those with neither OK nor CANCELLED as their outcome.

    Tokens that no upstream told count as none. Times are those to the first of the answer, in milliseconds, of the
    calls that had one; None if none had.
    """

    group: tuple[str, ...]
    calls: int
    succeeded: int
    failed: int
    cancelled: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    reasoning_tokens: int
    first_token_mean_ms: float | None
    first_token_p50_ms: float | None
    first_token_p95_ms: float | None


def summed(connection: Connection, since: datetime | None, until: datetime | None, by: Sequence[str]) -> list[UsageSum]:
    """The sum of each group; without groups there is one sum, that of all calls."""
    groups = [_group(name, connection.dialect.name).label(f"group_{index}") for index, name in enumerate(by)]
    conditions = _between(since, until)
    times = _times(connection, groups, conditions)
    found = connection.execute(select(*groups, *_numbers()).where(*conditions).group_by(*groups))
    return [_sum(tuple(row[: len(by)]), row[len(by) :], times) for row in found]


def _group(name: str, dialect: str) -> ColumnElement[str]:
    if name == "key":
        return case((USAGE.c.key_name != "", USAGE.c.key_name + " " + USAGE.c.key_id), else_=USAGE.c.key_id)
    if name != "day":
        return func.coalesce(USAGE.c[name], "")
    if dialect == "sqlite":
        return func.substr(USAGE.c.started_at, 1, 10, type_=String)
    return func.to_char(func.timezone("UTC", USAGE.c.started_at), "YYYY-MM-DD", type_=String)


def _between(since: datetime | None, until: datetime | None) -> list[ColumnElement[bool]]:
    lower = [] if since is None else [USAGE.c.started_at >= since]
    return lower if until is None else [*lower, USAGE.c.started_at < until]


def _numbers() -> list[Any]:
    def counted(condition: Any) -> Any:
        return func.count(case((condition, 1)))

    succeeded, cancelled = USAGE.c.outcome == "OK", USAGE.c.outcome == "CANCELLED"
    tokens = (func.coalesce(func.sum(USAGE.c[name]), 0) for name in _COUNTS)
    return [func.count(), counted(succeeded), counted(~succeeded & ~cancelled), counted(cancelled), *tokens]


def _times(connection: Connection, groups: Sequence[Any], conditions: Sequence[Any]) -> _Times:
    """Of each group the times to a first token, the shortest first, and how many calls took each."""
    time = USAGE.c.first_token_ms
    statement = select(*groups, time, func.count()).where(time.is_not(None), *conditions)
    times: _Times = defaultdict(list)
    for *group, taken, calls in connection.execute(statement.group_by(*groups, time).order_by(time)):
        times[tuple(group)].append((taken, calls))
    return times


def _sum(group: tuple[str, ...], numbers: Sequence[Any], times: _Times) -> UsageSum:
    counts: list[int] = [int(number) for number in numbers]
    return UsageSum(group, *counts, *_mean_and_percentiles(times.get(group, [])))


def _mean_and_percentiles(taken: Sequence[tuple[float, int]]) -> list[float | None]:
    calls = sum(calls for _, calls in taken)
    if not calls:
        return [None, None, None]
    mean = sum(each * count for each, count in taken) / calls
    return [mean, _percentile(taken, calls * 0.50), _percentile(taken, calls * 0.95)]


def _percentile(taken: Sequence[tuple[float, int]], rank: float) -> float:
    reached = accumulate(calls for _, calls in taken)
    return next(each for (each, _), calls in zip(taken, reached, strict=True) if calls >= rank)
