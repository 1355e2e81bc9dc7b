"""What goes wrong with a database, in words that hold no URL and no password."""


class StorageError(Exception):
    """The database cannot be used; the text, which is for a person, says which one and why."""


class RowsRefused(StorageError):
    """The database works and does not take these rows; it never will."""


class KeyNotFound(Exception):
    """No key is meant, or more than one is; the text, which is for a person, says so."""
