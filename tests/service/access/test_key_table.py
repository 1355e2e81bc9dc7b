"""The keys in memory: found by their text, renewed when they change."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from modelwire_service.access.key_table import KeyTable
from modelwire_service.access.keys import ApiKey
from modelwire_service.storage.errors import StorageError
from modelwire_service.storage.storage import Storage
from support.keys import Keys, made_key


@asynccontextmanager
async def started(keys: Keys) -> AsyncIterator[KeyTable]:
    """A table whose task stays idle: tests renew it themselves."""
    table = KeyTable(keys.all, keys.version, period=3600)
    await table.start()
    try:
        yield table
    finally:
        await table.close()


async def test_a_key_is_found_by_its_text() -> None:
    text, key = made_key()
    async with started(Keys(key, made_key()[1])) as table:
        assert len(table) == 2
        found = table.find(text)
        assert found is not None
        assert found.key is key
        assert found.caller == key.caller()


OTHER_TEXTS: dict[str, Callable[[str], str]] = {
    "nothing": lambda text: "",
    "shorter": lambda text: text[:-1],
    "longer": lambda text: text + "x",
    "one character off": lambda text: text[:-1] + ("a" if text[-1] != "a" else "b"),
    "upper case": lambda text: text.upper(),
    "blank in front": lambda text: " " + text,
    "line break behind": lambda text: text + "\n",
    "unknown": lambda text: made_key()[0],
    "secret of another": lambda text: text[:14] + made_key()[0][14:],
    "another form": lambda text: "sk-" + "a" * 48,
    "very long": lambda text: "mw-" * 100_000,
    "no text that can be encoded": lambda text: text.replace("-", "\ud800"),
}


@pytest.mark.parametrize("changed", OTHER_TEXTS.values(), ids=OTHER_TEXTS)
async def test_no_other_text_finds_it(changed: Callable[[str], str]) -> None:
    text, key = made_key()
    async with started(Keys(key)) as table:
        assert table.find(changed(text)) is None


async def test_changes_are_seen_once_it_is_renewed() -> None:
    (first, first_key), (second, second_key) = made_key(), made_key()
    keys = Keys(first_key)
    async with started(keys) as table:
        assert table.find(second) is None
        keys.put(second_key)
        keys.revoke(first_key)
        await table.renew()
        assert table.find(second) is not None
        found = table.find(first)
        assert found is not None
        assert found.revoked


async def test_keys_are_read_only_when_they_changed() -> None:
    text, key = made_key()
    keys = Keys()
    async with started(keys) as table:
        await table.renew()
        await table.renew()
        assert keys.loads == 1
        keys.put(key)
        await table.renew()
        assert keys.loads == 2
        assert table.find(text) is not None


async def test_a_change_while_the_keys_are_read_is_not_missed() -> None:
    text, key = made_key()
    keys = Keys()

    def all_just_before_a_change() -> Sequence[ApiKey]:
        read = keys.all()
        if keys.loads == 1:
            keys.put(key)
        return read

    table = KeyTable(all_just_before_a_change, keys.version, period=3600)
    await table.start()
    await table.renew()
    assert table.find(text) is not None
    await table.close()


@pytest.mark.parametrize(
    ("failure", "told"),
    [(StorageError("keys.db: locked"), "keys.db: locked"), (RuntimeError("planted-secret"), "RuntimeError")],
)
async def test_known_keys_stay_while_the_database_is_away_which_is_logged_once(
    failure: Exception, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    text, key = made_key()
    keys = Keys(key)
    async with started(keys) as table:
        keys.failure = failure
        keys.revoke(key)
        await table.renew()
        await table.renew()
        found = table.find(text)
        assert found is not None
        assert not found.revoked
        assert [(record.getMessage(), record.fields) for record in caplog.records] == [  # type: ignore[attr-defined]
            ("keys not renewed; the known ones stay", {"error": told})
        ]
        keys.failure = None
        await table.renew()
        found = table.find(text)
        assert found is not None
        assert found.revoked
        assert caplog.messages[1:] == ["keys renewed again"]


async def test_a_database_that_hangs_keeps_neither_calls_nor_the_end_waiting() -> None:
    text, key = made_key()
    keys = Keys(key)
    hanging, released = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def version() -> int:
        if keys.loads:
            loop.call_soon_threadsafe(hanging.set)
            released.wait(30)
        return keys.version()

    table = KeyTable(keys.all, version, period=0)
    await table.start()
    await hanging.wait()
    assert table.find(text) is not None
    async with asyncio.timeout(5):
        await table.close()
    released.set()


async def test_a_read_that_hangs_is_logged_once_and_stays_the_only_one(caplog: pytest.LogCaptureFixture) -> None:
    text, key = made_key()
    keys, reads, released = Keys(key), 0, threading.Event()

    def version() -> int:
        nonlocal reads
        reads += 1
        if reads > 1:
            released.wait(30)
        return keys.version()

    table = KeyTable(keys.all, version, period=3600, patience=0.05)
    await table.start()
    keys.revoke(key)
    for _ in range(3):
        await table.renew()
    told = {"error": "the database did not answer within 0.05 s"}
    assert [(record.getMessage(), record.fields) for record in caplog.records] == [  # type: ignore[attr-defined]
        ("keys not renewed; the known ones stay", told)
    ]
    assert reads == 2
    released.set()
    while (found := table.find(text)) is not None and not found.revoked:
        await table.renew()
    assert caplog.messages[1:] == ["keys renewed again"]
    assert reads == 2
    await table.close()


async def test_a_read_that_hangs_and_then_fails_is_followed_by_another(caplog: pytest.LogCaptureFixture) -> None:
    text, key = made_key()
    keys, released = Keys(key), threading.Event()

    def version() -> int:
        if keys.failure:
            released.wait(30)
        return keys.version()

    table = KeyTable(keys.all, version, period=3600, patience=0.05)
    await table.start()
    keys.revoke(key)
    keys.failure = StorageError("keys.db: gone")
    await table.renew()
    released.set()
    await table.renew()
    keys.failure = None
    while (found := table.find(text)) is not None and not found.revoked:
        await table.renew()
    assert caplog.messages == ["keys not renewed; the known ones stay", "keys renewed again"]
    await table.close()


async def test_a_table_that_cannot_be_read_does_not_start() -> None:
    keys = Keys()
    keys.failure = StorageError("keys.db: not a database")
    table = KeyTable(keys.all, keys.version)
    with pytest.raises(StorageError, match="not a database"):
        await table.start()
    await table.close()


async def test_a_key_revoked_elsewhere_is_known_as_revoked_within_a_second(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'keys.db'}"
    here, elsewhere = Storage(url), Storage(url)
    text, key = elsewhere.keys().create("somebody")
    looked, read_at = asyncio.Event(), []
    loop = asyncio.get_running_loop()

    def load() -> Sequence[ApiKey]:
        keys = here.keys().all()
        read_at.append(time.monotonic())
        return keys

    def version() -> int:
        loop.call_soon_threadsafe(looked.set)
        return here.keys().version()

    table = KeyTable(load, version)
    await table.start()
    revoked_at = time.monotonic()
    await asyncio.to_thread(elsewhere.keys().revoke, key.id)
    while (found := table.find(text)) is not None and not found.revoked:
        looked.clear()
        await looked.wait()
    assert found is not None
    assert read_at[-1] - revoked_at < 1
    await table.close()
    here.close()
    elsewhere.close()
