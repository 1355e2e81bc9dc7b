"""Which database the commands that look into one mean, and what they say where it cannot be used."""

import os
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

from modelwire_service.command_line.options import CONFIG, option, options
from modelwire_service.storage.errors import StorageError
from modelwire_service.storage.storage import Storage

DATABASE: Final = options(
    CONFIG,
    option("--database", "sqlite:///PATH or postgresql://…; default a file of yours.", metavar="URL"),
)


@contextmanager
def opened(config: str | None, database: str | None) -> Iterator[Storage]:
    """The database that a server with these options uses, closed at the end of the block.

    Of the configuration nothing else is read: what its upstreams need may not be there where keys are made. What
    goes wrong with the database, here or in the block, ends the command with a sentence.
    """
    storage = Storage(database or os.environ.get("MODELWIRE_DATABASE") or _written(config))
    try:
        yield storage
    except StorageError as error:
        raise click.ClickException(str(error)) from None
    finally:
        storage.close()


def _written(config: str | None) -> str | None:
    path = config or os.environ.get("MODELWIRE_CONFIG")
    if path is None:
        return None
    try:
        found = tomllib.loads(Path(path).read_text("utf-8")).get("database")
    except OSError as error:
        raise click.ClickException(f"config: {path}: {error.strerror}") from None
    except ValueError as error:
        raise click.ClickException(f"{path}: {error}") from None
    if found is not None and not isinstance(found, str):
        raise click.ClickException(f"{path}: database: must be a text")
    return found
