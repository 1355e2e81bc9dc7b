"""Log lines on standard error, as text or as JSON: the standard library's records, an event and its fields.

Fields are given as `extra={"fields": {…}}`; a field that is None is left out.
"""

import json
import logging
import sys
import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TextIO

import orjson


def set_up_logs(level: str, form: str, worker: int | None = None) -> None:
    """Writes our lines of `level` and above, and warnings of everybody else, as `text` or `json`.

    In a worker, of several, each line has its number.
    """
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # what no line tells is not gathered: see "Optimization" in the documentation of logging
    handler = _Lines(sys.stderr)
    handler.setFormatter(_JsonFormatter(worker) if form == "json" else _TextFormatter(worker))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[level.upper()]))
    logging.getLogger("modelwire").setLevel(level.upper())
    logging.getLogger("grpc._cython.cygrpc").addFilter(_without_traceback)


class Event:
    """What happens so often that its records are made at once, without what is the same in all of them.

    `tell` is `log.info(name, extra={"fields": fields})`; it is that by the long way where others want more gathered.
    """

    def __init__(self, log: logging.Logger, name: str) -> None:
        self._log = log
        self._name = name
        self._common: dict[str, Any] = {}
        self._started = 0.0

    def tell(self, fields: dict[str, Any]) -> None:
        """Logs the event, for a logger that `isEnabledFor` it: where it is not, fields need not be put together."""
        if logging._srcfile is not None or logging.getLogRecordFactory() is not logging.LogRecord:
            self._log.info(self._name, extra={"fields": fields}, stacklevel=2)
            return
        if not self._common:
            self._begin()
        created = time.time()
        record = logging.LogRecord.__new__(logging.LogRecord)
        record.__dict__ = {
            **self._common,
            "created": created,
            "msecs": int(created % 1 * 1000) + 0.0,
            "relativeCreated": (created - self._started) * 1000,
            "fields": fields,
        }
        self._log.handle(record)

    def _begin(self) -> None:
        nowhere = ("(unknown file)", 0)
        first = self._log.makeRecord(self._log.name, logging.INFO, *nowhere, self._name, (), None, "(unknown function)")
        self._common = vars(first)
        self._started = first.created - first.relativeCreated / 1000


def _without_traceback(record: logging.LogRecord) -> bool:
    """grpc has one for each call that its client spoilt: whoever likes could fill the log with them."""
    record.exc_info = None
    return True


class _Lines(logging.StreamHandler[TextIO]):
    """Writes each line whole and at once, by fewer steps than the standard library's."""

    def handle(self, record: logging.LogRecord) -> bool:
        if self.filters or self.lock is None:
            return super().handle(record)
        with self.lock:
            self.emit(record)
        return True

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self.stream.write(self.format(record) + "\n")
            self.stream.flush()
        except Exception:
            self.handleError(record)


class _Formatter(logging.Formatter):
    def __init__(self, worker: int | None) -> None:
        super().__init__()
        self._everywhere = {} if worker is None else {"worker": worker}

    def _fields(self, record: logging.LogRecord) -> dict[str, Any]:
        fields: dict[str, Any] = getattr(record, "fields", {})
        return self._everywhere | fields if self._everywhere else fields


class _TextFormatter(_Formatter):
    """`2026-01-31T12:00:00.000Z info call id=req_1 status=OK`"""

    def format(self, record: logging.LogRecord) -> str:
        line = f"{_time(record)} {record.levelname.lower()} {_printable(record.getMessage())}"
        line += _in_text(self._fields(record))
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class _JsonFormatter(_Formatter):
    """One JSON object a line: time, level, event, then the fields."""

    def format(self, record: logging.LogRecord) -> str:
        line = {"time": _time(record), "level": record.levelname.lower(), "event": record.getMessage()}
        line |= {name: value for name, value in self._fields(record).items() if value is not None}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _printable(orjson.dumps(line, default=str).decode())


def _time(record: logging.LogRecord) -> str:
    seconds, milliseconds = divmod(int(record.created * 1000), 1000)
    return f"{_second(seconds)}.{milliseconds:03}Z"


@lru_cache(1)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _in_text(fields: dict[str, Any]) -> str:
    """Each field after a blank. They are looked at together: hardly ever is there one that cannot stand as it is."""
    text, count = "", 0
    for name, value in fields.items():
        if value is not None:
            text += f" {name}={value!s}"
            count += 1
    if text.isprintable() and text.count(" ") == count and "= " not in text and text[-1:] != "=":
        return text
    return "".join(f" {name}={_shown(str(value))}" for name, value in fields.items() if value is not None)


def _shown(text: str) -> str:
    """A value as it stands, or quoted and escaped where it would break the line or run into the next field."""
    return text if text.isprintable() and " " not in text and text else _printable(json.dumps(text, ensure_ascii=False))


def _printable(written: str) -> str:
    """Text with escapes, as JSON has them, for all that ends lines or commands terminals (U+2028, U+009B)."""
    if written.isprintable():
        return written
    return "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in written)
