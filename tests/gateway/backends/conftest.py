import pytest
from google.protobuf.descriptor import ServiceDescriptor
from support.images import CompileServices
from support.serving import PROTO, Harness


@pytest.fixture(scope="session")
def services(compile_services: CompileServices) -> tuple[ServiceDescriptor, ...]:
    """The service of `support.serving`."""
    return compile_services(PROTO)


@pytest.fixture
def harness(backend: str, services: tuple[ServiceDescriptor, ...]) -> Harness:
    return Harness(backend, services)
