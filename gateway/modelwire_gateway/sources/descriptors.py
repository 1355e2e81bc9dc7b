"""Where the services that the gateway fronts are described."""

from graphlib import CycleError, TopologicalSorter
from importlib import resources

from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError


class DescriptorError(ValueError):
    """Descriptors that cannot be used; the message names the file at fault."""


def built_in_services() -> tuple[ServiceDescriptor, ...]:
    """The services of the contract that ships with modelwire."""
    return services_in_image(built_in_image())


def built_in_image() -> bytes:
    """The descriptor image of that contract, comments included."""
    return (resources.files("modelwire") / "protos.binpb").read_bytes()


def services_in_image(image: bytes) -> tuple[ServiceDescriptor, ...]:
    """The services in a serialized google.protobuf.FileDescriptorSet, in the order of its files.

    The image must hold all imports (`protoc --include_imports`), in any order. Raises DescriptorError.
    """
    try:
        files = {file.name: file for file in FileDescriptorSet.FromString(image).file}
    except DecodeError as error:
        raise DescriptorError("the descriptor image is not a google.protobuf.FileDescriptorSet") from error
    pool = DescriptorPool()
    for name in _imports_first(files):
        try:
            pool.AddSerializedFile(files[name].SerializeToString())
        except (TypeError, ValueError) as error:
            raise DescriptorError(f"{name}: {error}") from error
    return tuple(service for name in files for service in pool.FindFileByName(name).services_by_name.values())


def _imports_first(files: dict[str, FileDescriptorProto]) -> list[str]:
    for file in files.values():
        for imported in file.dependency:
            if imported not in files:
                raise DescriptorError(f"{file.name}: imports {imported}, which is not in the image")
    try:
        return list(TopologicalSorter({file.name: file.dependency for file in files.values()}).static_order())
    except CycleError as error:
        raise DescriptorError(f"{error.args[1][0]}: imports itself by way of others") from error
