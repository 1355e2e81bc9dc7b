from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest
from google.protobuf.descriptor import ServiceDescriptor
from modelwire_gateway.app import Transcoder
from modelwire_gateway.sources.descriptors import services_in_image
from support.fronted import PROTO, Fronted
from support.images import CompileServices, compiled_image
from support.scripted_service import Behaviour, ScriptedService, backend_to
from support.uploads import PROTO as UPLOADS_PROTO
from support.uploads import Taking, taking_streams


@pytest.fixture(scope="session")
def compile_services(tmp_path_factory: pytest.TempPathFactory) -> CompileServices:
    """Compiles the text of one .proto file, which may import google/api and google/protobuf, to its services."""
    folder = tmp_path_factory.mktemp("protos")

    def compiled(text: str) -> tuple[ServiceDescriptor, ...]:
        return services_in_image(compiled_image(folder, test=text))

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


@pytest.fixture(scope="session")
def upload_services(compile_services: CompileServices) -> tuple[ServiceDescriptor, ...]:
    """The service of `support.uploads`."""
    return compile_services(UPLOADS_PROTO)


@pytest.fixture
def taking(upload_services: tuple[ServiceDescriptor, ...], backend: str) -> Taking:
    """The gateway in front of some behaviours for that service, on a port."""
    return partial(taking_streams, backend, upload_services)
