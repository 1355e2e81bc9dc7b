"""Where a database is. Nothing here imports SQLAlchemy, so that a configuration is judged without it."""

import os
import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote

from modelwire_service.storage.errors import StorageError

_FORMS: Final = "must be sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME"
_SCHEME: Final = re.compile(r"(sqlite|postgres|postgresql)(\+\w+)?://")


def default_url(environment: Mapping[str, str] | None = None) -> str:
    """That of the user's own file: $XDG_STATE_HOME, or ~/.local/state, and there modelwire/modelwire.db.

    Raises StorageError where there is neither.
    """
    given = (os.environ if environment is None else environment).get("XDG_STATE_HOME", "")
    try:
        state = Path(given) if os.path.isabs(given) else Path.home() / ".local" / "state"
    except RuntimeError:
        raise StorageError("database: this user has no home for its file; name one, as sqlite:///PATH") from None
    return f"sqlite:///{quote(str(state / 'modelwire' / 'modelwire.db'))}"


def check_url(url: str) -> None:
    """Raises StorageError for a URL that cannot be that of a database of ours, and where its driver is missing."""
    scheme = _SCHEME.match(url)
    if scheme is None:
        raise StorageError(f"database: {_FORMS}")
    if scheme[1] == "sqlite":
        sqlite_path(url)
    elif find_spec("psycopg") is None:
        raise StorageError("database: PostgreSQL needs psycopg; install it with `pip install 'modelwire[postgresql]'`")


def sqlite_path(url: str) -> Path:
    """The file that a URL of SQLite names, percent-encoded where it must be; raises StorageError if it names none."""
    found = re.fullmatch(r"sqlite(?:\+\w+)?:///([^?#]+)", url)
    if found is None or found[1] == ":memory:":
        raise StorageError("database: SQLite needs a file, as sqlite:///PATH has it, and takes no parameters")
    return Path(unquote(found[1]))
