"""The descriptor files of a server, gathered into one image.

Of what a server leaves out, Google's common files are taken from the packages installed here. Any other import is
struck from the file that names it: many serve nothing but custom options, and one that is needed after all is a
complaint when the descriptors are built.
"""

import re
from collections.abc import Collection, Iterable
from contextlib import suppress
from importlib import import_module
from typing import Final

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.protobuf.descriptor_pool import Default

from modelwire_gateway.sources.descriptors import not_utf8

MAX_FILES: Final = 10_000
"""With those that are imported and not there."""

_COMMON: Final = re.compile(r"google/(?:api|longrunning|protobuf|rpc|type)(?:/\w+)+\.proto")


class TooManyFilesError(ValueError):
    """There are more than `MAX_FILES`."""


class ReflectedFiles:
    """Some files by name; of two with one name, the first counts."""

    def __init__(self) -> None:
        self._files: dict[str, FileDescriptorProto] = {}
        self._services: set[str] = set()
        self._missing: set[str] = set()
        self._struck: set[str] = set()

    def __contains__(self, name: str) -> bool:
        return name in self._files

    def add(self, data: bytes) -> None:
        """Takes a serialized google.protobuf.FileDescriptorProto.

        Raises DecodeError, DescriptorError for names that are no text, and TooManyFilesError.
        """
        self._add(FileDescriptorProto.FromString(data))

    def declare(self, service: str) -> bool:
        """Whether one of the files declares the service of that full name."""
        return service in self._services

    def missing(self) -> list[str]:
        """The imports that are neither there nor struck, sorted."""
        return sorted(self._missing)

    def do_without(self, names: Iterable[str]) -> None:
        """Takes those of the imports that are not there from what is installed here, or strikes them.

        Raises TooManyFilesError.
        """
        for name in names:
            if installed := None if name in self._files else _installed(name):
                self._add(installed)
        struck = self._missing.intersection(names)
        self._struck |= struck
        self._missing -= struck

    def image(self, services: Collection[str]) -> bytes:
        """A serialized google.protobuf.FileDescriptorSet, files by name, in which `services` are all that is declared.

        A file may declare what the server that tells of it does not serve.
        """
        image = FileDescriptorSet(file=(self._files[name] for name in sorted(self._files)))
        for file in image.file:
            if not self._struck.isdisjoint(file.dependency):
                _strike(file, self._struck)
            others = [at for at, service in enumerate(file.service) if _full_name(file, service.name) not in services]
            for at in reversed(others):
                del file.service[at]
            if others:
                # Comments are told by position, and would go to others.
                file.ClearField("source_code_info")
        return image.SerializeToString(deterministic=True)

    def _add(self, file: FileDescriptorProto) -> None:
        if file.name in self._files:
            return
        # One file may name more imports than there is time to look at.
        if len(file.dependency) > MAX_FILES:
            raise TooManyFilesError
        services = [service.name for service in file.service]
        if not all(isinstance(name, str) for name in (file.name, file.package, *file.dependency, *services)):
            raise not_utf8(file)
        self._files[file.name] = file
        self._services.update(_full_name(file, name) for name in services)
        self._missing |= {name for name in file.dependency if name not in self._files and name not in self._struck}
        self._missing.discard(file.name)
        self._struck.discard(file.name)
        if len(self._files) + len(self._missing) + len(self._struck) > MAX_FILES:
            raise TooManyFilesError


def _full_name(file: FileDescriptorProto, name: str) -> str:
    return f"{file.package}.{name}" if file.package else name


def _installed(name: str) -> FileDescriptorProto | None:
    """One of Google's common files, if it is installed here."""
    if not _COMMON.fullmatch(name):
        return None
    with suppress(ImportError):
        import_module(name.removesuffix(".proto").replace("/", ".") + "_pb2")
    try:
        found = Default().FindFileByName(name)
    except KeyError:
        return None
    file = FileDescriptorProto()
    found.CopyToProto(file)
    return file


def _strike(file: FileDescriptorProto, imports: Collection[str]) -> None:
    public = {file.dependency[at] for at in file.public_dependency}
    kept = [name for name in file.dependency if name not in imports]
    file.dependency[:] = kept
    file.public_dependency[:] = [at for at, name in enumerate(kept) if name in public]
    file.ClearField("weak_dependency")
