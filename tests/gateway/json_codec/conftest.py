"""Message types of every kind, compiled from the .proto files beside this one into a pool of their own."""

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest
from google.protobuf.descriptor import Descriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_tools import protoc

HERE = Path(__file__).parent
PROTOS = HERE.parents[2] / "protos"


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The FileDescriptorSet, imports included."""
    image = tmp_path_factory.mktemp("protos") / "image.binpb"
    includes = [f"-I{path}" for path in (HERE, PROTOS, files("grpc_tools") / "_proto")]
    sources = [str(HERE / name) for name in ("everything.proto", "legacy.proto")]
    assert protoc.main(["protoc", *includes, "--include_imports", f"--descriptor_set_out={image}", *sources]) == 0
    return image.read_bytes()


@pytest.fixture(scope="session")
def pool(image: bytes) -> DescriptorPool:
    compiled = DescriptorPool()
    for file in FileDescriptorSet.FromString(image).file:
        compiled.Add(file)
    return compiled


@pytest.fixture(scope="session")
def message(pool: DescriptorPool) -> Callable[[str], Descriptor]:
    """Finds a type by its name in everything.proto, or by its full name."""
    return lambda name: pool.FindMessageTypeByName(name if "." in name else f"everything.{name}")
