"""The keys in the database."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection, func, insert, select, update

from modelwire_service.access.caller import Limits
from modelwire_service.access.keys import ApiKey, new_key
from modelwire_service.storage.database import Database
from modelwire_service.storage.errors import KeyNotFound
from modelwire_service.storage.tables import API_KEY_CHANGES, API_KEYS

_ORDER: Final = (API_KEYS.c.created_at, API_KEYS.c.id)


class KeyStore:
    """Makes, lists and revokes keys. Every method raises StorageError where the database cannot be used."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self,
        name: str,
        models: Sequence[str] = (),
        limits: Limits = Limits(),  # noqa: B008 - immutable
        expires_at: datetime | None = None,
    ) -> tuple[str, ApiKey]:
        """A new key and its text, which nobody can get a second time."""
        text, key_id, digest = new_key()
        key = ApiKey(key_id, name, digest, tuple(models), limits, datetime.now(UTC), expires_at)
        with self._database.writing() as connection:
            connection.execute(insert(API_KEYS).values(**_columns(key)))
            _count_change(connection)
        return text, key

    def all(self) -> list[ApiKey]:
        """Every key there ever was, the oldest first, those revoked and expired among them."""
        with self._database.reading() as connection:
            return _keys(connection)

    def revoke(self, wanted: str) -> ApiKey:
        """Ends the key of that id, or of that name among those not revoked, and returns it as it is after that.

        One that is revoked stays as it is. Raises KeyNotFound for an unknown one, and for a name that several have.
        """
        with self._database.writing() as connection:
            key = _meant(wanted, _keys(connection))
            if key.revoked_at is not None:
                return key
            revoked = {"revoked_at": datetime.now(UTC)}
            connection.execute(update(API_KEYS).where(API_KEYS.c.id == key.id).values(**revoked))
            _count_change(connection)
            return _meant(key.id, _keys(connection))

    def version(self) -> int:
        """A number that is another after each change of any key."""
        with self._database.reading() as connection:
            return connection.scalar(select(func.max(API_KEY_CHANGES.c.count))) or 0


def _meant(wanted: str, keys: Sequence[ApiKey]) -> ApiKey:
    if by_id := [key for key in keys if key.id == wanted]:
        return by_id[0]
    named = [key for key in keys if key.name == wanted and key.revoked_at is None]
    if len(named) == 1:
        return named[0]
    if named:
        raise KeyNotFound(f"{len(named)} keys are named {wanted!r}; give an id: {', '.join(key.id for key in named)}")
    if any(key.name == wanted for key in keys):
        raise KeyNotFound(f"every key of the name {wanted!r} is revoked already")
    raise KeyNotFound(f"no key has the id or the name {wanted!r}; `modelwire keys list` shows them")


def _keys(connection: Connection) -> list[ApiKey]:
    return [_key(row) for row in connection.execute(select(API_KEYS).order_by(*_ORDER)).mappings()]


def _key(row: Any) -> ApiKey:
    limits = Limits(row["requests_per_minute"], row["tokens_per_minute"], row["concurrency"])
    moments = (row["created_at"], row["expires_at"], row["revoked_at"])
    return ApiKey(row["id"], row["name"], bytes(row["digest"]), tuple(row["models"]), limits, *moments)


def _columns(key: ApiKey) -> dict[str, Any]:
    columns = asdict(key)
    limits: dict[str, int | None] = columns.pop("limits")
    return {**columns, **limits, "models": list(key.models)}


def _count_change(connection: Connection) -> None:
    connection.execute(update(API_KEY_CHANGES).values(count=API_KEY_CHANGES.c.count + 1))
