"""Where the services that the gateway fronts are described."""

from graphlib import CycleError, TopologicalSorter
from importlib import resources

from google.protobuf.descriptor import FieldDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError, Message

from modelwire_gateway.sources.foreign_text import on_one_line


class DescriptorError(ValueError):
    """Descriptors that cannot be used; the message names the file at fault, in one line."""

    def __init__(self, message: str) -> None:
        super().__init__(on_one_line(message))


def built_in_services() -> tuple[ServiceDescriptor, ...]:
    """The services of the contract that ships with modelwire."""
    return services_in_image(built_in_image())


def built_in_image() -> bytes:
    """The descriptor image of that contract, comments included."""
    return (resources.files("modelwire") / "protos.binpb").read_bytes()


def not_utf8(file: FileDescriptorProto) -> DescriptorError:
    """What to raise for a file with text that is not UTF-8: proto2 lets it pass, and protobuf gives it as bytes."""
    name = file.name if isinstance(file.name, str) else repr(file.name)
    return DescriptorError(f"{name}: holds text that is not UTF-8")


def services_in_image(image: bytes) -> tuple[ServiceDescriptor, ...]:
    """The services in a serialized google.protobuf.FileDescriptorSet, in the order of its files.

    The image must hold all imports (`protoc --include_imports`), in any order. Raises DescriptorError.
    """
    try:
        files = {file.name: file for file in map(_checked, FileDescriptorSet.FromString(image).file)}
    except DecodeError as error:
        raise DescriptorError("the descriptor image is not a google.protobuf.FileDescriptorSet") from error
    pool = DescriptorPool()
    for name in _imports_first(files):
        try:
            pool.AddSerializedFile(files[name].SerializeToString())
        except (TypeError, ValueError) as error:
            raise DescriptorError(f"{name}: {error}") from error
    return tuple(service for name in files for service in pool.FindFileByName(name).services_by_name.values())


def _checked(file: FileDescriptorProto) -> FileDescriptorProto:
    if not _is_text(file):
        raise not_utf8(file)
    return file


def _is_text(message: Message) -> bool:
    """Whether all text in a message is UTF-8."""
    for field, value in message.ListFields():
        values = value if field.is_repeated else (value,)
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            if not all(map(_is_text, values)):
                return False
        elif field.type == FieldDescriptor.TYPE_STRING and not all(isinstance(text, str) for text in values):
            return False
    return True


def _imports_first(files: dict[str, FileDescriptorProto]) -> list[str]:
    for file in files.values():
        for imported in file.dependency:
            if imported not in files:
                raise DescriptorError(f"{file.name}: imports {imported}, which is not in the image")
    try:
        return list(TopologicalSorter({file.name: file.dependency for file in files.values()}).static_order())
    except CycleError as error:
        raise DescriptorError(f"{error.args[1][0]}: imports itself by way of others") from error
