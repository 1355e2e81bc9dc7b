"""Keys read from an SQLite file as a server's start reads them."""

import sqlite3
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from modelwire_service.access.caller import Limits
from modelwire_service.storage.database import Database
from modelwire_service.storage.errors import StorageError
from modelwire_service.storage.key_store import KeyStore
from modelwire_service.storage.sqlite_keys import SqliteKeys
from modelwire_service.storage.storage import Storage
from support.commands import run


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a b%20?#.db"


@pytest.fixture
def store(path: Path) -> Iterator[KeyStore]:
    database = Database(f"sqlite:///{str(path).replace('%', '%25').replace('?', '%3F').replace('#', '%23')}")
    yield KeyStore(database)
    database.close()


def test_they_are_those_of_the_store(store: KeyStore, path: Path) -> None:
    store.create("first", ["gpt-*", "ü"], Limits(60, 2**40, 3), datetime(2027, 1, 1, tzinfo=UTC))
    store.create("second")
    store.revoke("first")
    keys = SqliteKeys.found(path)
    assert keys is not None
    assert (keys.all(), keys.version()) == (store.all(), store.version())
    keys.close()


def test_a_change_is_seen(store: KeyStore, path: Path) -> None:
    keys = SqliteKeys.found(path)
    assert keys is not None
    before = keys.version()
    _, made = store.create("later")
    assert keys.version() != before
    assert keys.all() == [made]
    keys.close()


@pytest.mark.parametrize("content", [None, b"", b"not a database", "another schema", "no schema"])
def test_a_file_to_which_something_is_to_be_done_is_left_alone(content: bytes | str | None, tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE modelwire_schema (version_num)")
            connection.executemany(
                "INSERT INTO modelwire_schema VALUES (?)", [("0000",)][: content == "another schema"]
            )
        connection.close()
    before = path.read_bytes() if path.exists() else None
    assert SqliteKeys.found(path) is None
    assert (path.read_bytes() if path.exists() else None) == before


def test_what_goes_wrong_later_is_told_with_the_file(store: KeyStore, path: Path) -> None:
    keys = SqliteKeys.found(path)
    assert keys is not None
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE api_keys")
    connection.close()
    with pytest.raises(StorageError, match=r"^database .*a b%20.*no such table"):
        keys.all()
    keys.close()


def test_a_storage_reads_them_so_until_it_is_closed(store: KeyStore, path: Path, tmp_path: Path) -> None:
    _, made = store.create("a")
    storage = Storage(f"sqlite:///{tmp_path}/a b%2520%3F%23.db")
    assert storage.known_keys().all() == [made]
    storage.close()
    assert storage.known_keys().all() == [made]
    storage.close()


def test_a_new_file_is_made(tmp_path: Path) -> None:
    storage = Storage(f"sqlite:///{tmp_path}/new.db")
    assert (storage.known_keys().all(), storage.known_keys().version()) == ([], 0)
    assert (tmp_path / "new.db").exists()
    storage.close()


def test_sqlalchemy_is_not_imported_for_them(store: KeyStore, tmp_path: Path) -> None:
    told = run(
        sys.executable,
        "-c",
        "import sys; from modelwire_service.storage.storage import Storage\n"
        f"keys = Storage('sqlite:///{tmp_path}/a b%2520%3F%23.db').known_keys()\n"
        "print(keys.all(), keys.version(), 'sqlalchemy' in sys.modules)",
    )
    assert told == "[] 0 False\n"
