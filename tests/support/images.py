"""FileDescriptorSets for tests."""

from collections.abc import Callable
from pathlib import Path

from google.api import annotations_pb2
from google.protobuf.descriptor import Descriptor, FileDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_tools import protoc

CompileServices = Callable[[str], tuple[ServiceDescriptor, ...]]
"""From the text of a .proto file to its services."""
Find = Callable[[str], Descriptor]
"""From the name of a message type to the type."""

_INCLUDES = (Path(annotations_pb2.__file__).parents[2], Path(protoc.__file__).parent / "_proto")


def image_of(*files: FileDescriptor) -> bytes:
    """The files and all they import, imports first."""
    image = FileDescriptorSet()
    for file in files:
        _add(image, file)
    return image.SerializeToString()


def compiled_image(folder: Path, **texts: str) -> bytes:
    """`texts` compiled as NAME.proto, with all they import; they may import each other, google/api and google/protobuf.

    `folder` takes the files.
    """
    for name, text in texts.items():
        (folder / f"{name}.proto").write_text(text)
    image = folder / "image.binpb"
    arguments = [*(f"-I{include}" for include in (folder, *_INCLUDES)), f"--descriptor_set_out={image}"]
    files = [str(folder / f"{name}.proto") for name in texts]
    assert protoc.main(["protoc", *arguments, "--include_imports", *files]) == 0
    return image.read_bytes()


def _add(image: FileDescriptorSet, file: FileDescriptor) -> None:
    for imported in file.dependencies:
        _add(image, imported)
    if file.name not in [known.name for known in image.file]:
        file.CopyToProto(image.file.add())
