from collections.abc import Callable
from pathlib import Path

import pytest
from google.api import annotations_pb2
from google.protobuf.descriptor import ServiceDescriptor
from grpc_tools import protoc
from modelwire_gateway.descriptors import services_in_image

CompileServices = Callable[[str], tuple[ServiceDescriptor, ...]]


@pytest.fixture(scope="session")
def compile_services(tmp_path_factory: pytest.TempPathFactory) -> CompileServices:
    """Compiles the text of one .proto file, which may import google/api and google/protobuf, to its services."""
    folder = tmp_path_factory.mktemp("protos")
    includes = [folder, Path(annotations_pb2.__file__).parents[2], Path(protoc.__file__).parent / "_proto"]
    image = folder / "image.binpb"

    def compiled(text: str) -> tuple[ServiceDescriptor, ...]:
        (folder / "test.proto").write_text(text)
        arguments = [*(f"-I{include}" for include in includes), f"--descriptor_set_out={image}", "--include_imports"]
        assert protoc.main(["protoc", *arguments, str(folder / "test.proto")]) == 0
        return services_in_image(image.read_bytes())

    return compiled
