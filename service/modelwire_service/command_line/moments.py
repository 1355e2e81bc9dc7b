"""Moments as people write them: a date, a time of a day, or so long from the present."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import click

_SPAN: Final = re.compile(r"(\d{1,9})([smhdw])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Moment(click.ParamType[datetime]):
    """`2027-01-01`, `2027-01-01T12:00`, both in UTC unless they say otherwise, or a span as 30d, 24h, 15m.

    Spans go from the present into the past, or into the future where `ahead`, which admits no moment in the past.
    """

    name = "moment"

    def __init__(self, *, ahead: bool = False) -> None:
        self._ahead = ahead

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        present = datetime.now(UTC)
        try:
            moment = self._read(str(value), present)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is neither a date, as 2027-01-01, nor a span, as 30d or 24h", param, ctx)
        if self._ahead and moment <= present:
            self.fail(f"{value!r} is over already", param, ctx)
        return moment

    def _read(self, text: str, present: datetime) -> datetime:
        if span := _SPAN.fullmatch(text):
            length = timedelta(**{_UNITS[span[2]]: int(span[1])})
            return present + length if self._ahead else present - length
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
