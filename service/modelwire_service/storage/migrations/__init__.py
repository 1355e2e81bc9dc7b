"""The schema's history, as alembic runs it. A revision that has been released never changes."""

from typing import Final

NEWEST: Final = "0001"
"""The revision of a database that needs nothing."""

VERSION_TABLE: Final = "modelwire_schema"
"""The table with the revision: one of our own, as another program's may be in the same database."""
