"""`modelwire keys` and `modelwire usage` as programs."""

import json
import os
import re
import stat
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from modelwire_service.access.keys import parsed
from modelwire_service.storage.storage import Storage
from modelwire_service.usage.rows import UsageRow
from support.commands import ended_by_itself
from support.postgres_server import PASSWORD
from support.programs import COMMAND
from support.usage_rows import BEGAN, PLAIN, row_number


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'modelwire.db'}"


def run(*arguments: str, database: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    return ended_by_itself(COMMAND, *arguments, variables={"MODELWIRE_DATABASE": database, **variables})


def printed(*arguments: str, database: str) -> str:
    done = run(*arguments, database=database)
    assert done.returncode == 0, done.stderr
    return done.stdout


def listed(database: str) -> list[dict[str, object]]:
    keys: list[dict[str, object]] = json.loads(printed("keys", "list", "--json", database=database))
    return keys


def record(database: str, rows: Sequence[UsageRow]) -> None:
    storage = Storage(database)
    storage.usage().add(rows)
    storage.close()


def test_a_key_is_printed_alone_and_once(database: str) -> None:
    done = run("keys", "create", "ci", database=database)
    read = parsed(done.stdout.strip())
    assert read is not None
    assert re.fullmatch(rf"Key {read[0]} \(ci\) is made\. Keep it: it is not shown again\.\n", done.stderr)
    secret = done.stdout.strip().removeprefix(f"mw-{read[0]}-")
    for shown in (["keys", "list"], ["keys", "list", "--json"], ["keys", "revoke", "ci"]):
        assert secret not in printed(*shown, database=database)
    assert secret.encode() not in Path(database.removeprefix("sqlite:///")).read_bytes()


def test_a_key_is_listed_with_all_it_may(database: str) -> None:
    limits = ("--requests-per-minute", "60", "--tokens-per-minute", "100000", "--concurrency", "3")
    models = ("--models", "gpt-*", "--models", "gemini")
    printed("keys", "create", "nightly build", *models, *limits, "--expires", "2999-01-01", database=database)
    heading, line = printed("keys", "list", database=database).splitlines()
    assert heading.split() == ["id", "name", "models", "limits", "created", "expires", "state"]
    told = "nightly build  gpt-*, gemini  60 requests/min, 100,000 tokens/min, 3 at once"
    assert re.fullmatch(rf"\S{{10}}  {re.escape(told)}  .{{16}}  2999-01-01 00:00  active", line)
    (key,) = listed(database)
    assert (key["models"], key["expires_at"]) == (["gpt-*", "gemini"], "2999-01-01T00:00:00+00:00")
    assert [key[name] for name in ("requests_per_minute", "tokens_per_minute", "concurrency")] == [60, 100_000, 3]


def test_a_span_until_a_key_expires_counts_from_the_present(database: str) -> None:
    printed("keys", "create", "ci", "--expires", "30d", database=database)
    expires_at = datetime.fromisoformat(str(listed(database)[0]["expires_at"]))
    assert abs(expires_at - datetime.now(UTC) - timedelta(days=30)) < timedelta(minutes=5)


def test_keys_are_revoked_by_id_and_by_name(database: str) -> None:
    for name in ("a", "b", "c"):
        printed("keys", "create", name, database=database)
    first = str(listed(database)[0]["id"])
    assert printed("keys", "revoke", first, database=database).startswith(f"Key {first} (a) is revoked since ")
    assert "(b) is revoked since" in printed("keys", "revoke", "b", database=database)
    assert [key["state"] for key in listed(database)] == ["revoked", "revoked", "active"]


def test_without_keys_the_list_says_how_to_make_one(database: str) -> None:
    assert "`modelwire keys create NAME`" in printed("keys", "list", database=database)
    assert listed(database) == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["keys", "revoke", "nobody"], "no key has the id or the name 'nobody'"),
        (["keys", "revoke", "twice"], "2 keys are named 'twice'; give an id: "),
        (["keys", "create", ""], "1 to 100 printable characters"),
        (["keys", "create", "x" * 101], "1 to 100 printable characters"),
        (["keys", "create", "a\x1b[31m"], "1 to 100 printable characters"),
        (["keys", "create", "ci", "--expires", "yesterday"], "neither a date, as 2027-01-01, nor a span"),
        (["keys", "create", "ci", "--expires", "2020-01-01"], "is over already"),
        (["keys", "create", "ci", "--expires", "0d"], "is over already"),
        (["keys", "create", "ci", "--expires", "999999999w"], "neither a date"),
        (["keys", "create", "ci", "--requests-per-minute", "0"], "--requests-per-minute"),
        (["keys", "list", "--config", "/nonexistent.toml", "--database", ""], "No such file"),
        (["usage", "--since", "soon"], "neither a date"),
        (["usage", "--by", "colour"], "--by"),
        (["usage", "--last", "0"], "--last"),
        (["usage", "--last", "1", "--by", "key"], "--last goes with neither"),
        (["usage", "--database", "mysql://me:planted@host/db"], "must be sqlite:///PATH or postgresql://"),
        (["usage", "--database", "postgresql://me:planted@127.0.0.1:1/db"], "Connection refused"),
    ],
)
def test_what_goes_wrong_is_told_in_a_sentence(arguments: list[str], says: str, database: str) -> None:
    if "twice" in arguments:
        for _ in range(2):
            printed("keys", "create", "twice", database=database)
    variables = {"MODELWIRE_DATABASE": ""} if "--config" in arguments else {}
    done = ended_by_itself(COMMAND, *arguments, variables={"MODELWIRE_DATABASE": database} | variables)
    assert done.returncode != 0
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert "planted" not in done.stdout + done.stderr


def test_the_database_may_be_named_in_the_configuration(tmp_path: Path, database: str) -> None:
    printed("keys", "create", "ci", database=database)
    config = tmp_path / "modelwire.toml"
    # Where keys are made, the variable with the upstream's key need not be there.
    config.write_text(
        f'database = "{database}"\n[[upstreams]]\nname = "a"\nkind = "openai"\n'
        'base_url = "http://127.0.0.1:9"\napi_key_env = "NOT_SET_HERE"\n'
    )
    done = ended_by_itself(COMMAND, "keys", "list", "--config", str(config))
    assert (done.returncode, done.stderr) == (0, "")
    assert "  ci  " in done.stdout


def test_without_a_database_named_it_is_a_private_file_of_the_users(tmp_path: Path) -> None:
    done = ended_by_itself(COMMAND, "keys", "create", "ci", variables={"XDG_STATE_HOME": str(tmp_path / "state")})
    assert done.returncode == 0, done.stderr
    path = tmp_path / "state" / "modelwire" / "modelwire.db"
    assert [stat.S_IMODE(os.stat(each).st_mode) for each in (path.parent, path)] == [0o700, 0o600]


def test_keys_and_usage_in_postgresql(postgres_url: str) -> None:
    record(postgres_url, [PLAIN])
    printed("keys", "create", "ci", database=postgres_url)
    shown = printed("keys", "list", database=postgres_url) + printed("usage", database=postgres_url)
    assert "  ci  " in shown
    assert "gemini-2.5-flash" in shown
    assert PASSWORD not in shown


def test_usage_is_a_table_with_a_sum(database: str) -> None:
    other = row_number(1)._replace(model="gpt-5", outcome="CANCELLED", input_tokens=60, first_token_ms=1_500.0)
    record(database, [PLAIN, row_number(2), other, row_number(3)._replace(model="gpt-5", outcome="UNAVAILABLE")])
    heading, *lines = printed("usage", database=database).splitlines()
    assert heading == "model             calls  ok  failed  cancelled  in  out  cached  reasoning  mean  p50    p95"
    assert [line.split()[:12] for line in lines] == [
        ["gemini-2.5-flash", "2", "2", "0", "0", "20", "40", "6", "8", "4", "4", "4"],
        ["gpt-5", "2", "0", "1", "1", "70", "40", "6", "8", "752", "4", "1,500"],
        ["total", "4", "2", "1", "1", "90", "80", "12", "16", "378", "4", "1,500"],
    ]
    assert [line.count("█") for line in lines] == [7, 13, 0]


def test_usage_by_several_groups_within_a_time(database: str) -> None:
    record(database, [PLAIN, PLAIN._replace(started_at=BEGAN + 86_400), PLAIN._replace(started_at=BEGAN + 172_800)])
    arguments = ("usage", "--by", "day", "--by", "key", "--since", "2026-01-02", "--until", "2026-01-03")
    told = json.loads(printed(*arguments, "--json", database=database))
    assert [(row["day"], row["key"], row["calls"]) for row in told["rows"]] == [("2026-01-02", "ci abcdefghij", 1)]
    assert told["total"]["calls"] == 1
    assert "2026-01-02  ci abcdefghij      1" in printed(*arguments, database=database)


def test_the_last_calls_come_one_a_line(database: str) -> None:
    record(database, [row_number(number) for number in range(5)])
    heading, first, second = printed("usage", "--last", "2", database=database).splitlines()
    assert heading.startswith("began (UTC)")
    assert first.split() == [
        *("2026-01-01", "00:00:00", "ci", "gemini-2.5-flash", "gemini", "OK", "12", "4", "10", "20", "3", "4", "1"),
        "req_4",
    ]
    assert second.endswith("req_3")


def test_the_last_calls_as_json_have_every_field(database: str) -> None:
    record(database, [PLAIN._replace(first_token_ms=None)])
    (call,) = json.loads(printed("usage", "--last", "1", "--json", database=database))
    assert call == PLAIN._asdict() | {"first_token_ms": None, "started_at": "2026-01-01T00:00:00+00:00"}


def test_without_calls_usage_says_so(database: str) -> None:
    assert printed("usage", database=database) == "No calls are recorded there.\n"
    assert printed("usage", "--last", "3", database=database) == "No calls are recorded.\n"
    assert json.loads(printed("usage", "--json", database=database))["rows"] == []


def test_names_that_callers_made_up_do_nothing_to_the_terminal(database: str) -> None:
    record(database, [PLAIN._replace(model="\x1b[2Jgone", call_id="\x9b2J")])
    assert printed("usage", database=database).splitlines()[1].startswith("\ufffd[2Jgone")
    assert printed("usage", "--last", "1", database=database).endswith("  \ufffd2J\n")
