from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from google.api import annotations_pb2
from google.protobuf.descriptor import ServiceDescriptor
from grpc_tools import protoc
from modelwire_gateway.app import Transcoder
from modelwire_gateway.descriptors import services_in_image
from support.fronted import PROTO, Fronted
from support.scripted_service import Behaviour, ScriptedService, backend_to

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


@pytest.fixture(scope="session")
def services(compile_services: CompileServices) -> tuple[ServiceDescriptor, ...]:
    """The service of `support.fronted`."""
    return compile_services(PROTO)


@pytest.fixture
def fronted(services: tuple[ServiceDescriptor, ...], backend: str) -> Fronted:
    """The gateway in front of some behaviours for that service."""

    @asynccontextmanager
    async def fronting(**behaviours: Behaviour) -> AsyncIterator[Transcoder]:
        async with backend_to(backend, ScriptedService(services, **behaviours)) as to_service:
            yield Transcoder(services, to_service)

    return fronting
