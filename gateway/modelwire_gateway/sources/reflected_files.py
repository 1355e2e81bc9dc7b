"""The descriptor files of a server, gathered into one image.

Of what a server leaves out, Google's common files are taken from the packages installed here. Any other import is
struck from the file that names it: many serve nothing but custom options, and one that is needed after all is a
complaint when the descriptors are built.
"""

import re
from collections.abc import Collection
from contextlib import suppress
from importlib import import_module
from typing import Final

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.protobuf.descriptor_pool import Default

_COMMON: Final = re.compile(r"google/(?:api|longrunning|protobuf|rpc|type)(?:/\w+)+\.proto")


class ReflectedFiles:
    """Some files by name; of two with one name, the first counts."""

    def __init__(self) -> None:
        self._files: dict[str, FileDescriptorProto] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._files

    def add(self, data: bytes) -> None:
        """Takes a serialized google.protobuf.FileDescriptorProto; raises DecodeError."""
        file = FileDescriptorProto.FromString(data)
        self._files.setdefault(file.name, file)

    def declare(self, service: str) -> bool:
        """Whether one of the files declares the service of that full name."""
        package, _, name = service.rpartition(".")
        files = (file for file in self._files.values() if file.package == package)
        return any(declared.name == name for file in files for declared in file.service)

    def missing(self) -> list[str]:
        """The imports that are not there, sorted."""
        imports = {name for file in self._files.values() for name in file.dependency}
        return sorted(imports - self._files.keys())

    def do_without(self, name: str) -> None:
        """Takes the import from what is installed here, or strikes it from all files."""
        if installed := _installed(name):
            self._files[name] = installed
            return
        for file in self._files.values():
            if name in file.dependency:
                _strike(file, name)

    def image(self, services: Collection[str]) -> bytes:
        """A serialized google.protobuf.FileDescriptorSet, files by name, in which `services` are all that is declared.

        A file may declare what the server that tells of it does not serve.
        """
        image = FileDescriptorSet(file=(self._files[name] for name in sorted(self._files)))
        for file in image.file:
            others = [at for at, service in enumerate(file.service) if _full_name(file, service.name) not in services]
            for at in reversed(others):
                del file.service[at]
            if others:
                # Comments are told by position, and would go to others.
                file.ClearField("source_code_info")
        return image.SerializeToString(deterministic=True)


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


def _strike(file: FileDescriptorProto, imported: str) -> None:
    public = {file.dependency[at] for at in file.public_dependency}
    kept = [name for name in file.dependency if name != imported]
    file.dependency[:] = kept
    file.public_dependency[:] = [at for at, name in enumerate(kept) if name in public]
    file.ClearField("weak_dependency")
