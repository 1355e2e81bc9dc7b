"""Lines a person or a program can read, each whole on one line."""

import json
import logging
import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from modelwire_service.logs import Event, set_up_logs

GATHERED = ("logThreads", "logProcesses", "logMultiprocessing", "_srcfile")
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


@pytest.fixture(autouse=True)
def _logs_as_they_were() -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger("modelwire")
    grpcs = logging.getLogger("grpc._cython.cygrpc")
    handlers, levels, filters = root.handlers[:], (root.level, ours.level), grpcs.filters[:]
    gathered = {name: getattr(logging, name) for name in GATHERED}
    yield
    for name, value in gathered.items():
        setattr(logging, name, value)
    grpcs.filters[:] = filters
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    ours.setLevel(levels[1])


def logged(capsys: pytest.CaptureFixture[str], form: str, event: str, **fields: Any) -> str:
    """The line of an event, without its end."""
    set_up_logs("info", form)
    logging.getLogger("modelwire.test").info(event, extra={"fields": fields})
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.endswith("\n")
    return captured.err[:-1]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("plain", "plain"),
        ("/modelwire.v1beta.ChatService/ChatCompletions", "/modelwire.v1beta.ChatService/ChatCompletions"),
        (12.5, "12.5"),
        (0, "0"),
        ("", '""'),
        ("two words", '"two words"'),
        ("status=OK error=none", '"status=OK error=none"'),
        ('a "quoted" word', r'"a \"quoted\" word"'),
        ("two\nlines", r'"two\nlines"'),
        ("\x1b[31mred", r'"\u001b[31mred"'),
        ("é🦙", "é🦙"),
        ("zwei Lamas: 🦙🦙", '"zwei Lamas: 🦙🦙"'),
        ("a\u2028line", r'"a\u2028line"'),
        ("a\x85line", r'"a\u0085line"'),
        ("\x9b31mred", r'"\u009b31mred"'),
        ("\u202edesrever", r'"\u202edesrever"'),
        ("\U000e0001", r'"\udb40\udc01"'),
        ("\ud800", r'"\ud800"'),
    ],
)
def test_a_field_in_text(value: Any, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    line = logged(capsys, "text", "call", id="req_1", said=value, ms=3)
    assert re.fullmatch(rf"{TIME} info call id=req_1 said={re.escape(shown)} ms=3", line)


def shown(value: Any) -> str:
    """A field's value as the line has it, found out for itself alone."""
    text = str(value)
    if text and " " not in text and text.isprintable():
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in quoted)


NAMES = st.sampled_from(["id", "rpc", "key", "client", "model", "status", "ms", "error"])
VALUES = st.none() | st.integers() | st.floats() | st.text(max_size=5) | st.text('a= \n"', max_size=4)


@given(st.dictionaries(NAMES, VALUES))
def test_fields_together_are_in_text_as_each_is_alone(fields: dict[str, Any]) -> None:
    set_up_logs("info", "text")
    (handler,) = logging.getLogger().handlers
    line = handler.format(logging.makeLogRecord({"levelname": "INFO", "msg": "call", "fields": fields}))
    told = "".join(f" {name}={shown(value)}" for name, value in fields.items() if value is not None)
    assert re.fullmatch(rf"{TIME} info call{re.escape(told)}", line)


@pytest.mark.parametrize(
    "value",
    ["plain", 'a "quoted" word', "two\nlines", "é🦙\x00", "a\u2028\x85\x9b\U000e0001", 12.5, 0, "", ["a"], True],
)
def test_a_field_in_json(value: Any, capsys: pytest.CaptureFixture[str]) -> None:
    written = logged(capsys, "json", "call", id="req_1", said=value)
    assert written.isprintable()
    line = json.loads(written)
    assert re.fullmatch(TIME, line.pop("time"))
    assert line == {"level": "info", "event": "call", "id": "req_1", "said": value}
    assert list(line) == ["level", "event", "id", "said"]


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_field_that_is_none_is_left_out(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "model" not in logged(capsys, form, "call", model=None)


def test_what_json_does_not_know_is_told_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(logged(capsys, "json", "call", error=ValueError("why")))["error"] == "why"


def fail_and_log() -> None:
    try:
        raise ValueError("the cause")
    except ValueError:
        logging.getLogger("modelwire.test").exception("it broke", extra={"fields": {"id": "req_1"}})


@pytest.mark.parametrize("form", ["text", "json"])
def test_each_line_of_a_worker_has_its_number(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("info", form, worker=3)
    logging.getLogger("modelwire.test").info("call", extra={"fields": {"id": "req_1"}})
    logging.getLogger("modelwire.test").info("ended", extra={"fields": {"worker": 1}})
    first, second = capsys.readouterr().err.splitlines()
    if form == "text":
        assert first.endswith(" info call worker=3 id=req_1")
        assert second.endswith(" info ended worker=1")
    else:
        assert [json.loads(line)["worker"] for line in (first, second)] == [3, 1]


def test_an_exception_follows_its_line_in_text(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("info", "text")
    fail_and_log()
    first, second, *_, last = capsys.readouterr().err.splitlines()
    assert first.endswith("error it broke id=req_1")
    assert second.startswith("Traceback")
    assert last == "ValueError: the cause"


def test_an_exception_is_a_member_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("info", "json")
    fail_and_log()
    (line,) = map(json.loads, capsys.readouterr().err.splitlines())
    assert (line["level"], line["event"], line["id"]) == ("error", "it broke", "req_1")
    assert line["exception"].endswith("ValueError: the cause")


@pytest.mark.parametrize(
    ("level", "ours", "theirs"),
    [
        ("debug", ["debug", "info", "warning", "error"], ["warning", "error"]),
        ("info", ["info", "warning", "error"], ["warning", "error"]),
        ("warning", ["warning", "error"], ["warning", "error"]),
        ("error", ["error"], ["error"]),
    ],
)
@pytest.mark.parametrize("form", ["text", "json"])
def test_a_level_holds_for_us_and_others_only_warn(
    form: str, level: str, ours: list[str], theirs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    set_up_logs(level, form)
    for name in ("modelwire.test", "somebody.else"):
        for at in ("debug", "info", "warning", "error"):
            logging.getLogger(name).log(logging.getLevelNamesMapping()[at.upper()], f"{name} says {at}")
    found = re.findall(r"(\S+) says (\w+)", capsys.readouterr().err.replace('"', " "))
    assert found == [("modelwire.test", at) for at in ours] + [("somebody.else", at) for at in theirs]


def test_a_line_goes_to_standard_error_as_it_was_at_the_start(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("info", "text")
    (handler,) = logging.getLogger().handlers
    assert isinstance(handler, logging.StreamHandler)
    assert handler.stream is sys.stderr


def test_an_event_is_one_line_whatever_others_put_into_it(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("info", "text")
    logging.getLogger("another").warning("no such path: %s", "/a\n2026-01-01T00:00:00.000Z info call\x9b")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(r"no such path: /a\n2026-01-01T00:00:00.000Z info call\u009b")


def test_what_clients_of_grpc_spoil_takes_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("info", "text")
    try:
        b"\xff".decode()
    except UnicodeDecodeError:
        logging.getLogger("grpc._cython.cygrpc").exception("Invalid encoding on %s", b"\xff")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(r" error Invalid encoding on b'\xff'")


FIELDS = {"id": "req_1", "model": None, "ms": 1.5, "error": "two words"}


class Records(logging.Handler):
    """The records that come to it."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(record)


@pytest.fixture
def records() -> Iterator[Records]:
    log, handler = logging.getLogger("modelwire.test"), Records()
    log.addHandler(handler)
    yield handler
    log.removeHandler(handler)


def told_twice(records: Records) -> list[dict[str, Any]]:
    """The attributes of an event's record, and of the one that the logger makes of it; their times are looked at."""
    log = logging.getLogger("modelwire.test")
    Event(log, "call").tell(FIELDS)
    log.info("call", extra={"fields": FIELDS})
    made = [vars(record) for record in records.seen]
    first, second = ([each.pop(name) for name in ("created", "msecs", "relativeCreated")] for each in made)
    assert 0 <= second[0] - first[0] < 10
    assert second[2] - first[2] == pytest.approx((second[0] - first[0]) * 1000, abs=0.01)
    assert first[1] == int(first[0] % 1 * 1000)
    return made


def test_the_record_of_an_event_is_that_of_its_logger(records: Records) -> None:
    set_up_logs("info", "text")
    first, second = told_twice(records)
    assert first == second


def test_an_event_has_what_others_want_to_be_gathered(records: Records) -> None:
    logging.getLogger("modelwire").setLevel("INFO")
    first, second = told_twice(records)
    assert first["thread"] == second["thread"] is not None
    assert (first["funcName"], first["filename"]) == ("told_twice", "test_logs.py")


def test_an_event_has_what_others_add_to_records(records: Records) -> None:
    def factory(*arguments: Any) -> logging.LogRecord:
        record = logging.LogRecord(*arguments)
        record.trace = "t1"
        return record

    set_up_logs("info", "text")
    logging.setLogRecordFactory(factory)
    try:
        first, second = told_twice(records)
    finally:
        logging.setLogRecordFactory(logging.LogRecord)
    assert first["trace"] == "t1"
    assert first == second


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_line_of_an_event_is_that_of_its_logger(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("info", form)
    log = logging.getLogger("modelwire.test")
    Event(log, "call").tell(FIELDS)
    log.info("call", extra={"fields": FIELDS})
    first, second = (re.sub(TIME, "", line) for line in capsys.readouterr().err.splitlines())
    assert first == second


def test_a_filter_of_the_handler_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("info", "text")
    (handler,) = logging.getLogger().handlers
    handler.addFilter(lambda record: record.getMessage() != "call")
    Event(logging.getLogger("modelwire.test"), "call").tell(FIELDS)
    logging.getLogger("modelwire.test").info("other")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(" info other")
