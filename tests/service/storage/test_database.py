"""Opening databases, bringing them up to date, and what is told where that fails."""

import io
import logging
import sqlite3
import stat
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from modelwire_service.storage import migrations
from modelwire_service.storage.database import Database
from modelwire_service.storage.errors import RowsRefused, StorageError
from modelwire_service.storage.storage import Storage
from modelwire_service.storage.tables import METADATA
from sqlalchemy import text
from support.commands import run
from support.postgres_server import PASSWORD, PostgresServer

SECRET = "planted"
OPENING = "import sys; from modelwire_service.storage.database import Database; Database(sys.argv[1]).close()"


def schema_of(database: Database) -> str | None:
    with database.reading() as connection:
        version: str | None = connection.scalar(text(f"SELECT version_num FROM {migrations.VERSION_TABLE}"))
        return version


def test_a_fresh_database_gets_the_newest_schema(database: Database) -> None:
    assert schema_of(database) == migrations.NEWEST


def test_the_newest_schema_is_that_of_the_last_revision() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(str(migrations.__file__)).parent))
    assert ScriptDirectory.from_config(config).get_heads() == [migrations.NEWEST]


def test_the_tables_are_those_that_migrations_make(database: Database) -> None:
    with database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": migrations.VERSION_TABLE})
        assert compare_metadata(context, METADATA) == []


def test_an_up_to_date_database_is_opened_without_alembic(database_url: str) -> None:
    Database(database_url).close()
    told = run(sys.executable, "-c", f"{OPENING}; print('alembic' in sys.modules)", database_url)
    assert told == "False\n"


def test_several_processes_may_make_one_database_at_once(database_url: str) -> None:
    def open_it(_: int) -> str:
        return run(sys.executable, "-c", OPENING, database_url)

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(open_it, range(4))) == [""] * 4
    database = Database(database_url)
    assert schema_of(database) == migrations.NEWEST
    database.close()


def test_a_schema_of_a_newer_modelwire_is_refused_and_left_alone(database_url: str) -> None:
    database = Database(database_url)
    with database.writing() as connection:
        connection.execute(text(f"UPDATE {migrations.VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(StorageError, match=r"made by a newer modelwire \(schema 9999\)"):
        Database(database_url)
    assert schema_of(database) == "9999"
    database.close()


def test_another_programs_migrations_in_the_same_database_do_not_matter(postgres_url: str) -> None:
    database = Database(postgres_url)
    with database.writing() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num text)"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('theirs')"))
    database.close()
    Database(postgres_url).close()


def test_a_failed_migration_leaves_nothing(database_url: str) -> None:
    database = Database(database_url)
    with database.writing() as connection:
        connection.execute(text(f"DROP TABLE {migrations.VERSION_TABLE}"))
        connection.execute(text("DROP TABLE api_keys"))
        connection.execute(text("DROP TABLE api_key_changes"))
    with pytest.raises(StorageError, match=r"usage.* already exists"):
        Database(database_url)  # makes the keys before it comes upon the table of usage
    with database.writing() as connection:
        connection.execute(text("DROP TABLE usage"))
    database.close()
    Database(database_url).close()


def test_a_block_that_fails_writes_nothing(database: Database) -> None:
    def write_and_fail() -> None:
        with database.writing() as connection:
            connection.execute(text("UPDATE api_key_changes SET count = 7"))
            raise LookupError

    with pytest.raises(LookupError):
        write_and_fail()
    with database.reading() as connection:
        assert connection.scalar(text("SELECT count FROM api_key_changes")) == 0


def test_what_the_database_refuses_is_told_apart(database: Database) -> None:
    def write(statement: str) -> None:
        with database.writing() as connection:
            connection.execute(text(statement))

    with pytest.raises(RowsRefused):
        write("UPDATE api_key_changes SET count = NULL")
    with pytest.raises(StorageError) as told:
        write("UPDATE nothing SET count = 1")
    assert not isinstance(told.value, RowsRefused)


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "modelwire.db"
    database = Database(f"sqlite:///{path}")
    with database.writing() as connection:
        connection.execute(text("UPDATE api_key_changes SET count = 1"))
        files = list(path.parent.iterdir())
        assert {file.name for file in files} == {path.name, f"{path.name}-wal", f"{path.name}-shm"}
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    database.close()


def test_the_folder_of_a_file_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"database .*: No such file or directory"):
        Database(f"sqlite:///{tmp_path / 'misspelt' / 'modelwire.db'}")
    assert list(tmp_path.iterdir()) == []


def test_that_of_the_users_own_file_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    storage = Storage(None)
    assert storage.keys().all() == []
    storage.close()
    assert stat.S_IMODE((tmp_path / "modelwire").stat().st_mode) == 0o700


def test_sqlite_keeps_a_write_ahead_log(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'a.db'}")
    with database.reading() as connection:
        assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
    database.close()


def test_sqlite_reads_while_it_is_written(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'a.db'}")
    with database.writing() as writer:
        writer.execute(text("UPDATE api_key_changes SET count = 1"))
        with database.reading() as reader:
            assert reader.scalar(text("SELECT count FROM api_key_changes")) == 0
    database.close()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://me:planted@host/db", "must be sqlite:///PATH or postgresql://"),
        ("planted", "must be sqlite:///PATH or postgresql://"),
        ("postgresql://me:planted@host:port/db", "cannot be read"),
        ("sqlite://", "SQLite needs a file"),
        ("sqlite:///:memory:", "SQLite needs a file"),
        ("sqlite:////proc/none/a.db", "No such file or directory"),
        ("sqlite:////proc", "unable to open database file"),
        ("postgresql://me:planted@127.0.0.1:1/db", "database db at 127.0.0.1:1: .*Connection refused"),
        ("postgresql://127.0.0.1:1/db?user=me&password=planted", "Connection refused"),
        ("postgresql://me@127.0.0.1:1/db?option=1", 'invalid .*"option"'),
    ],
)
def test_what_is_wrong_with_a_database_is_told_without_its_password(url: str, says: str) -> None:
    with pytest.raises(StorageError, match=says) as told:
        Database(url)
    assert SECRET not in everything_told_of(told.value)


def test_a_file_that_is_no_database_is_told_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_text("something else entirely" * 100)
    with pytest.raises(StorageError, match="file is not a database"):
        Database(f"sqlite:///{path}")
    assert path.read_text().startswith("something else")


def test_a_password_that_postgresql_refuses_is_not_told(postgres_url: str) -> None:
    with pytest.raises(StorageError, match="password authentication failed") as told:
        Database(postgres_url.replace(PASSWORD, SECRET))
    assert SECRET not in everything_told_of(told.value)


def test_statements_that_fail_tell_no_parameters(database: Database) -> None:
    def fail() -> None:
        with database.reading() as connection:
            connection.execute(text("SELECT * FROM nothing WHERE name = :name"), {"name": SECRET})

    with pytest.raises(StorageError) as told:
        fail()
    assert SECRET not in everything_told_of(told.value)


def test_a_database_shows_no_password(postgres_url: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        database = Database(postgres_url)
    assert repr(database).startswith("Database(database test_")
    assert PASSWORD not in repr(database) + caplog.text
    database.close()


def test_a_database_locked_by_another_program_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    database = Database(f"sqlite:///{path}")
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")

    def count_up() -> None:
        with database.writing() as connection:
            connection.execute(text("UPDATE api_key_changes SET count = count + 1"))

    with ThreadPoolExecutor(1) as threads:
        counting = threads.submit(count_up)
        other.execute("UPDATE api_key_changes SET count = 5")
        other.execute("COMMIT")
        counting.result()
    assert other.execute("SELECT count FROM api_key_changes").fetchone() == (6,)
    other.close()
    database.close()


def test_after_a_restart_of_postgresql_the_same_database_goes_on(
    postgres_server: PostgresServer, postgres_url: str
) -> None:
    database = Database(postgres_url)
    postgres_server.stop()
    try:
        with pytest.raises(StorageError, match="Connection refused"):
            schema_of(database)
    finally:
        postgres_server.start()
    assert schema_of(database) == migrations.NEWEST
    database.close()


def test_a_connection_that_a_restart_cut_is_replaced_before_it_is_used(
    postgres_server: PostgresServer, postgres_url: str
) -> None:
    database = Database(postgres_url)
    postgres_server.stop()
    postgres_server.start()
    assert schema_of(database) == migrations.NEWEST
    database.close()


def everything_told_of(error: BaseException) -> str:
    """What its text, its repr and its traceback show."""
    told = io.StringIO()
    traceback.print_exception(error, file=told)
    return f"{error}{error!r}{told.getvalue()}"
