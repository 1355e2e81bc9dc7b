"""Brings a database to the newest schema. alembic, which takes a tenth of a second to import, only where it must."""

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, inspect, text

from modelwire_service.storage.errors import StorageError
from modelwire_service.storage.migrations import NEWEST, VERSION_TABLE

_SCRIPTS: Final = Path(__file__).parent / "migrations"


def at_newest_schema(connection: Connection) -> bool:
    """Whether nothing is to be done."""
    return _version(connection) == NEWEST


def migrate(connection: Connection, database: str) -> None:
    """Brings the schema up to date within the connection's transaction, which keeps other processes out.

    Raises StorageError where the schema is one of a newer modelwire; `database` is what its message calls it.
    """
    found = _version(connection)
    if found == NEWEST:
        return
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise StorageError(f"{database}: it was made by a newer modelwire (schema {found}); use that one, or later")
    command.upgrade(config, "head")


def _version(connection: Connection) -> str | None:
    """The revision of the schema; None where there is none yet."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found: str | None = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))  # noqa: S608
    return found
