"""Where a database is, before anything is opened."""

import sys
from pathlib import Path

import pytest
from modelwire_service.storage.errors import StorageError
from modelwire_service.storage.urls import check_url, default_url, sqlite_path
from support.commands import run


def test_the_default_is_a_file_among_the_users_state() -> None:
    assert default_url({"XDG_STATE_HOME": "/state"}) == "sqlite:////state/modelwire/modelwire.db"


@pytest.mark.parametrize("environment", [{}, {"XDG_STATE_HOME": ""}, {"XDG_STATE_HOME": "not/absolute"}])
def test_without_a_state_folder_it_is_the_usual_one(environment: dict[str, str]) -> None:
    assert default_url(environment) == f"sqlite:///{Path.home()}/.local/state/modelwire/modelwire.db"


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///a.db",
        "sqlite:////var/lib/a.db",
        "sqlite+pysqlite:///a.db",
        "postgresql://me:secret@host:5432/db",
        "postgres://host/db",
        "postgresql+psycopg://host/db",
        "postgresql:///db?host=/run/postgresql",
    ],
)
def test_urls_of_both_kinds_are_taken(url: str) -> None:
    check_url(url)


def test_postgresql_without_its_driver_says_what_to_install() -> None:
    told = run(
        sys.executable,
        "-c",
        "import sys; sys.modules['psycopg'] = None\n"
        "from modelwire_service.storage.urls import check_url, StorageError\n"
        "try: check_url('postgresql://me:planted@host/db')\n"
        "except StorageError as error: print(error)",
    )
    assert told == "database: PostgreSQL needs psycopg; install it with `pip install 'modelwire[postgresql]'`\n"


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///a.db", "a.db"),
        ("sqlite:////var/a.db", "/var/a.db"),
        ("sqlite+pysqlite:////var/a%20b%25.db", "/var/a b%.db"),
    ],
)
def test_the_file_of_a_url(url: str, path: str) -> None:
    assert sqlite_path(url) == Path(path)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite:///a.db?mode=ro"])
def test_a_url_of_sqlite_names_a_file_and_nothing_else(url: str) -> None:
    with pytest.raises(StorageError, match="SQLite needs a file"):
        check_url(url)


def test_a_state_folder_of_any_name_becomes_a_url_that_names_it() -> None:
    assert sqlite_path(default_url({"XDG_STATE_HOME": "/a b/50%?#"})) == Path("/a b/50%?#/modelwire/modelwire.db")
