"""`modelwire gateway` in front of a service that has nothing to do with models."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import httpx
import pytest
from google.iam.v1 import iam_policy_pb2
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf import struct_pb2
from google.protobuf.descriptor import ServiceDescriptor
from modelwire_gateway.routing.routes import RouteTable
from modelwire_gateway.sources.descriptors import built_in_services
from modelwire_gateway.sources.reflection import reflected_services
from support.commands import ended_by_itself
from support.foreign_services import OPERATIONS, Operations, reflected
from support.images import image_of
from support.logged_programs import running_with_log
from support.programs import COMMAND, running
from support.stack import Stack


@pytest.fixture
def target() -> Iterator[str]:
    """A server of google.longrunning.Operations with one operation."""
    add = operations_pb2_grpc.add_OperationsServicer_to_server
    with reflected(add, Operations("operations/a/b"), OPERATIONS) as address:
        yield address


def test_a_descriptor_set_is_all_it_needs(target: str, tmp_path: Path) -> None:
    image = tmp_path / "operations.binpb"
    image.write_bytes(image_of(operations_pb2.DESCRIPTOR))
    options = ("--descriptor-set", str(image), "--http-address", "127.0.0.1:0")
    with running("gateway", "--target", target, *options) as gateway, httpx.Client(base_url=gateway.url) as client:
        found = client.get("/v1/operations/a/b")
        missing = client.get("/v1/operations/c")
        unknown = client.get("/v1/models")
    assert (found.status_code, found.json()) == (200, {"name": "operations/a/b"})
    assert (missing.status_code, missing.json()["error"]["message"]) == (404, "no operation operations/c")
    assert unknown.status_code == 404


def test_several_descriptor_sets_are_served_together(target: str, tmp_path: Path) -> None:
    options = ["--http-address", "127.0.0.1:0"]
    for file in (operations_pb2.DESCRIPTOR, iam_policy_pb2.DESCRIPTOR):
        image = tmp_path / Path(file.name).with_suffix(".binpb").name
        image.write_bytes(image_of(file))
        options += ["--descriptor-set", str(image)]
    with running("gateway", "--target", target, *options) as gateway, httpx.Client(base_url=gateway.url) as client:
        found = client.get("/v1/operations/a/b")
        unserved = client.post("/v1/a:getIamPolicy", json={})
    assert "routes  7\n" in gateway.printed
    assert (found.status_code, unserved.status_code) == (200, 501)


def routed(services: Iterable[ServiceDescriptor]) -> set[tuple[str, str, str]]:
    routes = RouteTable.from_services(services).routes
    return {(route.http_method, str(route.template), route.rpc.path) for route in routes}


async def test_reflection_alone_tells_the_routes_of_the_built_in_contract(stack: Stack) -> None:
    assert routed(await reflected_services(stack.grpc_address)) == routed(built_in_services())


def test_services_without_rules_are_told_of(tmp_path: Path) -> None:
    image = tmp_path / "struct.binpb"
    image.write_bytes(image_of(struct_pb2.DESCRIPTOR))
    with running_with_log("gateway", "--http-address", "127.0.0.1:0", "--descriptor-set", str(image)) as gateway:
        gateway.logged("nothing is served: no method has a google.api.http rule")


@pytest.mark.parametrize(
    ("content", "says"), [(b"\xff", "not a google.protobuf.FileDescriptorSet"), (None, "No such file")]
)
def test_a_descriptor_set_that_cannot_be_read_is_told(content: bytes | None, says: str, tmp_path: Path) -> None:
    image = tmp_path / "image.binpb"
    if content is not None:
        image.write_bytes(content)
    done = ended_by_itself(COMMAND, "gateway", "--http-address", "127.0.0.1:0", "--descriptor-set", str(image))
    assert done.returncode == 1
    assert says in done.stderr
