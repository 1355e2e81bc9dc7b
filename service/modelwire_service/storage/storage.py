"""The stores of one database, for several threads."""

import threading
from typing import TYPE_CHECKING

from modelwire_service.storage.urls import default_url

if TYPE_CHECKING:
    from modelwire_service.storage.database import Database
    from modelwire_service.storage.key_store import KeyStore
    from modelwire_service.storage.usage_store import UsageStore


class Storage:
    """The database at `url`, a file of the user's if None. The thread that first needs it opens it.

    That takes the import of SQLAlchemy, and may take migrations, so that an event loop must not be that thread.
    Where it cannot be opened the next one to ask tries again. `keys` and `usage` raise StorageError.
    """

    def __init__(self, url: str | None) -> None:
        self._url = url
        self._database: Database | None = None
        self._opening = threading.Lock()

    def keys(self) -> "KeyStore":
        from modelwire_service.storage.key_store import KeyStore

        return KeyStore(self._opened())

    def usage(self) -> "UsageStore":
        from modelwire_service.storage.usage_store import UsageStore

        return UsageStore(self._opened())

    def close(self) -> None:
        """Closes the connections; whoever asks for a store after that opens it again."""
        with self._opening:
            if self._database is not None:
                self._database.close()
                self._database = None

    def _opened(self) -> "Database":
        with self._opening:
            if self._database is None:
                from modelwire_service.storage.database import Database

                self._database = Database(self._url or default_url())
            return self._database
