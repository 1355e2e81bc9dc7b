"""`modelwire gateway` in front of a service that has nothing to do with models."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import httpx
import pytest
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import FileDescriptor
from support.commands import ended_by_itself
from support.programs import COMMAND, running


class Operations(operations_pb2_grpc.OperationsServicer):  # type: ignore[misc]
    """google.longrunning.Operations, as it ships annotated in googleapis-common-protos."""

    async def GetOperation(  # noqa: N802 - the name the .proto file gives
        self, request: operations_pb2.GetOperationRequest, context: grpc.aio.ServicerContext
    ) -> operations_pb2.Operation:
        if request.name != "operations/a/b":
            await context.abort(grpc.StatusCode.NOT_FOUND, f"no operation {request.name}")
        return operations_pb2.Operation(name=request.name, done=True)


def image_of(file: FileDescriptor, images: descriptor_pb2.FileDescriptorSet | None = None) -> bytes:
    """The file and all it imports, imports first."""
    images = descriptor_pb2.FileDescriptorSet() if images is None else images
    for imported in file.dependencies:
        image_of(imported, images)
    if file.name not in [known.name for known in images.file]:
        file.CopyToProto(images.file.add())
    return images.SerializeToString()


@asynccontextmanager
async def operations_server() -> AsyncIterator[str]:
    server = grpc.aio.server()
    operations_pb2_grpc.add_OperationsServicer_to_server(Operations(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


async def test_a_descriptor_set_is_all_it_needs(tmp_path: Path) -> None:
    image = tmp_path / "operations.binpb"
    image.write_bytes(image_of(operations_pb2.DESCRIPTOR))
    options = ("--descriptor-set", str(image), "--http-address", "127.0.0.1:0")
    async with operations_server() as target, httpx.AsyncClient() as client:
        with running("gateway", "--target", target, *options) as gateway:
            found = await client.get(f"{gateway.url}/v1/operations/a/b")
            missing = await client.get(f"{gateway.url}/v1/operations/c")
            unknown = await client.get(f"{gateway.url}/v1/models")
    assert (found.status_code, found.json()) == (200, {"name": "operations/a/b", "done": True})
    assert (missing.status_code, missing.json()["error"]["message"]) == (404, "no operation operations/c")
    assert unknown.status_code == 404


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
