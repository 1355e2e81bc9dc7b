"""Server reflection, asked of servers as they are in the world."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Event
from typing import Any

import grpc
import pytest
from google.api import annotations_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest, ServerReflectionResponse
from modelwire_gateway.backends.remote import RemoteBackend
from modelwire_gateway.routing.routes import RouteTable
from modelwire_gateway.sources.descriptors import DescriptorError, services_in_image
from modelwire_gateway.sources.reflection import (
    Reflection,
    ReflectionError,
    SlowError,
    UnreachableError,
    reflected_services,
)
from support.images import compiled_image
from support.reflecting import ReflectionHandler, serving

SHOP = """
syntax = "proto3"; package shop; import "google/api/annotations.proto"; import "parts.proto"; import "marks.proto";
service Shelves { rpc Get(parts.Shelf) returns (parts.Shelf) { option (google.api.http) = { get: "/v1/{name}" }; } }
service Tills { rpc Get(parts.Shelf) returns (parts.Shelf) { option (google.api.http) = { get: "/v2/{name}" }; } }
message Marked { string name = 1 [(marks.mark) = "M"]; }
"""
PARTS = """
syntax = "proto3"; package parts; import public "google/protobuf/timestamp.proto";
message Shelf { string name = 1; google.protobuf.Timestamp made = 2; }
"""
MARKS = """
syntax = "proto3"; package marks; import "google/protobuf/descriptor.proto";
extend google.protobuf.FieldOptions { string mark = 50001; }
"""
BOTH = ("shop.Shelves", "shop.Tills")
PATH = "/grpc.reflection.{}.ServerReflection/ServerReflectionInfo"
SERVICE = "grpc.reflection.v1.ServerReflection"
STANDARD = (
    "google/api/annotations.proto",
    "google/api/http.proto",
    "google/protobuf/descriptor.proto",
    "google/protobuf/timestamp.proto",
)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return compiled_image(tmp_path_factory.mktemp("shop"), parts=PARTS, marks=MARKS, shop=SHOP)


@asynccontextmanager
async def asking(*handlers: grpc.GenericRpcHandler, seconds: float = 10.0) -> AsyncIterator[Reflection]:
    with serving(*handlers) as target:
        backend = RemoteBackend(target, max_request_bytes=2**20)
        try:
            yield Reflection(backend, seconds)
        finally:
            await backend.close()


def names(image: bytes) -> tuple[str, ...]:
    return tuple(service.full_name for service in services_in_image(image))


def paths(image: bytes) -> list[str]:
    return [str(route.template) for route in RouteTable.from_services(services_in_image(image)).routes]


@pytest.mark.parametrize("whole", [True, False], ids=["with-imports", "the-file-alone"])
@pytest.mark.parametrize("versions", [("v1",), ("v1alpha",), ("v1", "v1alpha")], ids="+".join)
async def test_services_are_told_by_either_version_with_their_imports_or_without(
    image: bytes, versions: tuple[str, ...], whole: bool
) -> None:
    async with asking(ReflectionHandler(image, versions=versions, whole=whole)) as reflection:
        reflected = await reflection.ask()
    assert paths(reflected.image) == ["/v1/{name}", "/v2/{name}"]
    told = {file.name: file for file in FileDescriptorSet.FromString(reflected.image).file}
    assert told == {file.name: file for file in FileDescriptorSet.FromString(image).file}


async def test_the_version_a_server_speaks_is_asked_first_the_next_time(image: bytes) -> None:
    handler = ReflectionHandler(image, versions=["v1alpha"])
    tried: list[str] = []

    class Noting(grpc.GenericRpcHandler):  # type: ignore[misc]
        def service(self, details: Any) -> None:
            tried.append(details.method)

    async with asking(Noting(), handler) as reflection:
        await reflection.ask()
        first, tried[:] = tried[:2], []
        await reflection.ask()
    assert first == [PATH.format("v1"), PATH.format("v1alpha")]
    assert set(tried) == {PATH.format("v1alpha")}


async def test_only_services_that_are_served_are_told(image: bytes) -> None:
    lists = ["grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", "shop.Tills"]
    async with asking(ReflectionHandler(image, lists=lists)) as reflection:
        reflected = await reflection.ask()
    assert (names(reflected.image), reflected.undescribed) == (("shop.Tills",), ())


@pytest.mark.parametrize("curt", [False, True], ids=["told-by-an-answer", "told-by-a-status"])
async def test_a_service_without_descriptors_is_named_and_the_others_are_told(image: bytes, curt: bool) -> None:
    async with asking(ReflectionHandler(image, lists=["a.Ghost", *BOTH], curt=curt)) as reflection:
        reflected = await reflection.ask()
    assert (names(reflected.image), reflected.undescribed) == (BOTH, ("a.Ghost",))


async def test_the_same_is_told_in_the_same_bytes_and_a_change_anywhere_shows(image: bytes) -> None:
    changed = FileDescriptorSet.FromString(image)
    next(file for file in changed.file if file.name == "parts.proto").message_type.add(name="More")
    handler = ReflectionHandler(image)
    async with asking(handler) as reflection:
        first, again = await reflection.ask(), await reflection.ask()
        handler.image = changed.SerializeToString()
        then = await reflection.ask()
    assert first == again
    assert first != then


@pytest.mark.parametrize("curt", [False, True])
@pytest.mark.parametrize("whole", [True, False])
async def test_googles_common_files_need_not_be_told(image: bytes, whole: bool, curt: bool) -> None:
    async with asking(ReflectionHandler(image, whole=whole, lacks=STANDARD, curt=curt)) as reflection:
        reflected = await reflection.ask()
    assert paths(reflected.image) == ["/v1/{name}", "/v2/{name}"]


@pytest.mark.parametrize("whole", [True, False])
async def test_an_import_that_serves_options_alone_need_not_be_told(image: bytes, whole: bool) -> None:
    async with asking(ReflectionHandler(image, whole=whole, lacks=["marks.proto"])) as reflection:
        reflected = await reflection.ask()
    assert names(reflected.image) == BOTH


async def test_public_imports_stay_public_where_another_import_is_missing(tmp_path: Path) -> None:
    texts = {
        "hub": 'syntax = "proto3"; package hub; import "marks.proto"; import public "leaf.proto";',
        "leaf": 'syntax = "proto3"; package leaf; message Leaf {}',
        "top": 'syntax = "proto3"; package t; import "hub.proto"; service S { rpc A(leaf.Leaf) returns (leaf.Leaf); }',
    }
    image = compiled_image(tmp_path, marks=MARKS, **texts)
    async with asking(ReflectionHandler(image, lacks=["marks.proto"])) as reflection:
        reflected = await reflection.ask()
    assert names(reflected.image) == ("t.S",)


async def test_an_import_that_is_needed_and_not_told_is_a_complaint_about_its_file(image: bytes) -> None:
    async with asking(ReflectionHandler(image, lacks=["parts.proto"])) as reflection:
        reflected = await reflection.ask()
    with pytest.raises(DescriptorError, match=r"shop\.proto: .*parts\.Shelf"):
        services_in_image(reflected.image)


def in_name_only(behaviour: Callable[[Iterator[bytes], Any], Iterator[bytes]]) -> grpc.GenericRpcHandler:
    """Server reflection that does as it likes."""
    handler = grpc.stream_stream_rpc_method_handler(behaviour)
    return grpc.method_handlers_generic_handler(SERVICE, {"ServerReflectionInfo": handler})


def answers(*responses: bytes, code: grpc.StatusCode | None = None) -> grpc.GenericRpcHandler:
    def behaviour(requests: Iterator[bytes], context: Any) -> Iterator[bytes]:
        next(requests)
        yield from responses
        if code:
            context.abort(code, "because")

    return in_name_only(behaviour)


def listing(*services: str) -> bytes:
    listed = ServerReflectionResponse()
    for name in services:
        listed.list_services_response.service.add(name=name)
    return bytes(listed.SerializeToString())


def list_and_then(file: bytes) -> grpc.GenericRpcHandler:
    """Lists one service, and tells `file` for it."""
    told = ServerReflectionResponse()
    told.file_descriptor_response.file_descriptor_proto.append(file)
    rest = iter([listing("a.A"), told.SerializeToString()])

    def behaviour(requests: Iterator[bytes], _: Any) -> Iterator[bytes]:
        next(requests)
        yield next(rest)

    return in_name_only(behaviour)


def importing_endlessly() -> grpc.GenericRpcHandler:
    """Lists one service; each of its files imports 1,000 others."""

    def behaviour(requests: Iterator[bytes], _: Any) -> Iterator[bytes]:
        request = ServerReflectionRequest.FromString(next(requests))
        name = request.file_by_filename or "a.proto"
        file = FileDescriptorProto(name=name, package="a", dependency=[f"{at}/{name}" for at in range(1000)])
        file.service.add(name="A")
        told = ServerReflectionResponse()
        told.file_descriptor_response.file_descriptor_proto.append(file.SerializeToString())
        yield listing("a.A") if request.HasField("list_services") else told.SerializeToString()

    return in_name_only(behaviour)


def imports(number: int) -> bytes:
    return FileDescriptorProto(name="a.proto", dependency=[f"{at}.proto" for at in range(number)]).SerializeToString()


@pytest.mark.parametrize(
    ("handler", "says"),
    [
        (lambda: grpc.method_handlers_generic_handler("a.A", {}), "no server reflection; give --descriptor-set FILE"),
        (
            lambda: answers(code=grpc.StatusCode.PERMISSION_DENIED),
            "refuses server reflection: PERMISSION_DENIED: because",
        ),
        (lambda: answers(code=grpc.StatusCode.INTERNAL), "refuses server reflection: INTERNAL: because"),
        (lambda: answers(), "without an answer"),
        (lambda: answers(b"\xff"), "no ServerReflectionResponse"),
        (lambda: answers(b""), "does not list its services: it answers something else"),
        (lambda: answers(b"\x3a\x04\x12\x02no"), "does not list its services: no"),
        (lambda: list_and_then(b"\xff"), "no FileDescriptorProto"),
        (lambda: list_and_then(bytes(2**26)), "larger than 67108864 bytes"),
        (lambda: answers(listing(*map(str, range(10_001)))), "lists more than 10000 services"),
        (lambda: answers(b"\x3a\x06\x12\x04no\n!"), r"does not list its services: no\\n!"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_server_that_does_not_tell_is_told_in_a_sentence(
    handler: Callable[[], grpc.GenericRpcHandler], says: str
) -> None:
    async with asking(handler()) as reflection:
        with pytest.raises(ReflectionError, match=says) as raised:
            await reflection.ask()
    assert not isinstance(raised.value, UnreachableError)


@pytest.mark.parametrize(
    "handler",
    [lambda: list_and_then(imports(10_000)), lambda: list_and_then(imports(10_001)), importing_endlessly],
    ids=["of-one-file", "too-many-of-one-file", "of-many-files"],
)
async def test_imports_without_end_are_refused(handler: Callable[[], grpc.GenericRpcHandler]) -> None:
    async with asking(handler()) as reflection:
        with pytest.raises(ReflectionError, match="need more than 10000 files"):
            await reflection.ask()


@pytest.mark.parametrize("place", ["name", "package", "import", "service"])
async def test_names_that_are_no_text_are_told_with_their_file(place: str) -> None:
    file = FileDescriptorProto(name="name", package="package", dependency=["import"])
    file.service.add(name="service")
    broken = file.SerializeToString().replace(place.encode(), b"\xff" * len(place))
    async with asking(list_and_then(broken)) as reflection:
        with pytest.raises(DescriptorError, match="holds text that is not UTF-8"):
            await reflection.ask()


async def test_a_great_many_imports_may_be_missing(image: bytes) -> None:
    many = FileDescriptorSet.FromString(image)
    shop = next(file for file in many.file if file.name == "shop.proto")
    shop.dependency.extend(f"gone{at}.proto" for at in range(500))
    async with asking(ReflectionHandler(many.SerializeToString(), whole=False)) as reflection:
        reflected = await reflection.ask()
    assert names(reflected.image) == BOTH


async def test_a_server_that_never_answers_counts_as_unreachable() -> None:
    over = Event()

    def behaviour(_: Iterator[bytes], __: Any) -> Iterator[bytes]:
        over.wait()
        yield b""

    try:
        async with asking(in_name_only(behaviour), seconds=0.2) as reflection:
            with pytest.raises(SlowError, match="takes more than"):
                await reflection.ask()
            over.set()
    finally:
        over.set()


async def test_a_server_that_is_not_there_is_unreachable() -> None:
    with pytest.raises(UnreachableError, match="the target does not answer"):
        await reflected_services("127.0.0.1:9")


async def test_a_call_tells_the_services_of_any_target(image: bytes, tmp_path: Path) -> None:
    with serving(ReflectionHandler(image), address=f"unix:{tmp_path}/socket") as target:
        services = await reflected_services(target)
    assert [service.full_name for service in services] == list(BOTH)
    method = services[0].methods_by_name["Get"]
    assert method.GetOptions().Extensions[annotations_pb2.http].get == "/v1/{name}"
