"""Log lines on standard error, as text or as JSON: the standard library's records, an event and its fields.

Fields are given as `extra={"fields": {…}}`; a field that is None is left out.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson


def set_up_logs(level: str, form: str, worker: int | None = None) -> None:
    """Writes our lines of `level` and above, and warnings of everybody else, as `text` or `json`.

    In a worker, of several, each line has its number.
    """
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # what no line tells is not gathered: see "Optimization" in the documentation of logging
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonFormatter(worker) if form == "json" else _TextFormatter(worker))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[level.upper()]))
    logging.getLogger("modelwire").setLevel(level.upper())
    logging.getLogger("grpc._cython.cygrpc").addFilter(_without_traceback)


def _without_traceback(record: logging.LogRecord) -> bool:
    """grpc has one for each call that its client spoilt: whoever likes could fill the log with them."""
    record.exc_info = None
    return True


class _Formatter(logging.Formatter):
    def __init__(self, worker: int | None) -> None:
        super().__init__()
        self._everywhere = {} if worker is None else {"worker": worker}

    def _fields(self, record: logging.LogRecord) -> dict[str, Any]:
        fields = getattr(record, "fields", {})
        if self._everywhere:
            fields = self._everywhere | fields
        return {name: value for name, value in fields.items() if value is not None}


class _TextFormatter(_Formatter):
    """`2026-01-31T12:00:00.000Z info call id=req_1 status=OK`"""

    def format(self, record: logging.LogRecord) -> str:
        fields = "".join(f" {name}={_shown(value)}" for name, value in self._fields(record).items())
        line = f"{_time(record)} {record.levelname.lower()} {_printable(record.getMessage())}{fields}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class _JsonFormatter(_Formatter):
    """One JSON object a line: time, level, event, then the fields."""

    def format(self, record: logging.LogRecord) -> str:
        line = {"time": _time(record), "level": record.levelname.lower(), "event": record.getMessage()}
        line |= self._fields(record)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _printable(orjson.dumps(line, default=str).decode())


def _time(record: logging.LogRecord) -> str:
    seconds, milliseconds = divmod(int(record.created * 1000), 1000)
    return f"{_second(seconds)}.{milliseconds:03}Z"


@lru_cache(1)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _shown(value: Any) -> str:
    """A value as it stands, or quoted and escaped where it would break the line or run into the next field."""
    text = value if type(value) is str else str(value)
    return text if text.isprintable() and " " not in text and text else _printable(json.dumps(text, ensure_ascii=False))


def _printable(written: str) -> str:
    """Text with escapes, as JSON has them, for all that ends lines or commands terminals (U+2028, U+009B)."""
    if written.isprintable():
        return written
    return "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in written)
