"""Every call that was let in has its row: who, which model, how many tokens, how it ended. Others have none."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from support.callers import DOORS, Asked, Kind
from support.guarded import (
    Guarded,
    Keys,
    answering,
    bearer,
    database_in,
    guarded,
    rows_of_usage,
)
from support.scripted_upstream import answer_json, answer_never

pytestmark = pytest.mark.asyncio(loop_scope="session")

Rows = dict[str, dict[str, Any]]
KINDS: tuple[Kind, ...] = ("unary", "stream", "embeddings")
REFUSAL = answer_json({"error": {"message": "no such thing"}}, 400)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def rows(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rows]:
    """What is kept of a call of each kind that ended in each way, at each door."""
    folder = tmp_path_factory.mktemp("usage")
    keys = Keys.made(database_in(folder))
    async with guarded(folder) as programs:
        for door in DOORS:
            for kind in KINDS:
                await _all_endings(programs, keys, door, kind)
    yield rows_of_usage(folder)


async def _all_endings(programs: Guarded, keys: Keys, door: str, kind: Kind) -> None:
    def asked(ending: str, **more: Any) -> Asked:
        return Asked(kind, "cheap-1", headers={"x-request-id": call_id(ending, door, kind)}, **more)

    upstream, headers = programs.upstream, bearer(keys.cheap)
    answering(upstream)
    await programs.got(door, headers, asked("OK"))
    await programs.got(door, bearer(keys.revoked), asked("UNAUTHENTICATED"))
    upstream.answer = REFUSAL
    await programs.got(door, headers, asked("INVALID_ARGUMENT"))
    upstream.answer = answer_never()
    await programs.got(door, headers, asked("DEADLINE_EXCEEDED", deadline=0.1))
    await _left(programs, door, Asked(kind, "cheap-1", headers={**headers, **asked("CANCELLED").headers}))


async def _left(programs: Guarded, door: str, asked: Asked) -> None:
    programs.upstream.called.clear()
    programs.upstream.left.clear()
    caller = programs.caller(door)
    begun = await caller.begin(asked)
    await programs.upstream.called.wait()
    await begun.leave()
    await asyncio.wait_for(programs.upstream.left.wait(), 10)
    await caller.aclose()


def call_id(ending: str, door: str, kind: str) -> str:
    return f"{ending}-{door.replace(' ', '-')}-{kind}"


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("kind", KINDS)
async def test_a_call_that_went_well(door: str, kind: Kind, rows: Rows) -> None:
    row = rows[call_id("OK", door, kind)]
    tokens = (3, 0) if kind == "embeddings" else (3, 2)
    assert (row["outcome"], row["key_name"], row["model"], row["upstream"]) == ("OK", "cheap", "cheap-1", "openai")
    assert (row["input_tokens"], row["output_tokens"] or 0, row["attempts"]) == (*tokens, 1)
    assert len(row["key_id"]) == 10
    assert row["first_token_ms"] is None or 0 <= row["first_token_ms"] <= row["duration_ms"]
    assert row["client"] == "127.0.0.1"


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ending", ["INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "CANCELLED"])
async def test_a_call_that_ended_otherwise(ending: str, door: str, kind: Kind, rows: Rows) -> None:
    row = rows[call_id(ending, door, kind)]
    assert (row["outcome"], row["key_name"], row["model"], row["upstream"]) == (ending, "cheap", "cheap-1", "openai")
    assert (row["input_tokens"], row["output_tokens"], row["attempts"]) == (None, None, 1)


async def test_nothing_is_kept_of_who_was_not_let_in(rows: Rows) -> None:
    assert len(rows) == 4 * len(DOORS) * len(KINDS)
    assert not [call for call, row in rows.items() if "UNAUTHENTICATED" in call or row["key_name"] != "cheap"]
