"""Routes that follow their target while that is deployed anew."""

import asyncio
import contextlib
import gc
import logging
import os
import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from modelwire_gateway.app import Transcoder
from modelwire_gateway.backends.remote import RemoteBackend
from modelwire_gateway.routing.routes import RouteErrors
from modelwire_gateway.sources.reflection import ReflectionError, UnreachableError
from modelwire_gateway.sources.watch import ReflectionWatch
from support.asgi_calls import AsgiCall
from support.images import compiled_image
from support.reflecting import ReflectionHandler, serving

NEVER = 3600.0
OFTEN = 0.01
"""Between two questions, in seconds."""
CHANGED = "routes changed"
REFUSED = "the target cannot be served as it is"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("deployed")


def deployed(folder: Path, *paths: str, messages: int = 0) -> bytes:
    """An image of a service with a method for each path."""
    methods = "".join(
        f'rpc M{at}(M) returns (M) {{ option (google.api.http) = {{ get: "{path}" }}; }} '
        for at, path in enumerate(paths)
    )
    others = "".join(
        f"message Other{at} {{ string text = 1; M first = 2; repeated M more = 3; }} " for at in range(messages)
    )
    text = 'syntax = "proto3"; package t; import "google/api/annotations.proto"; message M { string name = 1; } '
    return compiled_image(folder, deployed=f"{text}{others}service S {{ {methods} }}")


class Gateway(logging.Handler):
    """A watched transcoder, and what is logged of it."""

    def __init__(self, target: str, interval: float) -> None:
        super().__init__()
        self.backend = RemoteBackend(target)
        self.transcoder = Transcoder(None, self.backend)
        self.watch = ReflectionWatch(self.backend, self.transcoder, interval)
        self._records: asyncio.Queue[logging.LogRecord] = asyncio.Queue()

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno > logging.DEBUG:
            self._records.put_nowait(record)

    @property
    def paths(self) -> list[str]:
        return [str(route.template) for route in self.transcoder.routes]

    async def logged(self) -> tuple[str, dict[str, Any]]:
        """The next event that is logged, and its fields."""
        async with asyncio.timeout(20):
            record = await self._records.get()
        return record.getMessage(), record.__dict__["fields"]


@pytest.fixture
def log() -> Iterator[logging.Logger]:
    logger = logging.getLogger("modelwire.gateway")
    level = logger.level
    logger.setLevel(logging.DEBUG)
    yield logger
    logger.setLevel(level)


@asynccontextmanager
async def watching(target: str, log: logging.Logger, interval: float = NEVER) -> AsyncIterator[Gateway]:
    """A gateway that looked once, and whose watch runs."""
    gateway = Gateway(target, interval)
    log.addHandler(gateway)
    try:
        if await gateway.backend.ready():
            await gateway.watch.look()
            assert (await gateway.logged())[0] == CHANGED
        running = asyncio.create_task(gateway.watch.run())
        try:
            yield gateway
        finally:
            running.cancel()
            await asyncio.wait({running})
    finally:
        log.removeHandler(gateway)
        await gateway.backend.close()


def free_address() -> str:
    with serving() as address:
        return address


async def test_a_change_is_seen_though_no_connection_breaks(folder: Path, log: logging.Logger) -> None:
    handler = ReflectionHandler(deployed(folder, "/a", "/b"))
    with serving(handler) as target:
        async with watching(target, log, OFTEN) as gateway:
            assert gateway.paths == ["/a", "/b"]
            handler.image = deployed(folder, "/b", "/c", "/d")
            assert await gateway.logged() == (CHANGED, {"routes": 3, "added": 2, "removed": 1})
            assert gateway.paths == ["/b", "/c", "/d"]


async def test_a_target_deployed_anew_is_seen_by_its_connection(folder: Path, log: logging.Logger) -> None:
    target = free_address()
    async with contextlib.AsyncExitStack() as stack:
        with serving(ReflectionHandler(deployed(folder, "/old")), address=target):
            gateway = await stack.enter_async_context(watching(target, log))
        assert not await gateway.watch.ready()
        assert gateway.paths == ["/old"]
        with serving(ReflectionHandler(deployed(folder, "/new")), address=target):
            assert await gateway.logged() == (CHANGED, {"routes": 1, "added": 1, "removed": 1})
            assert gateway.paths == ["/new"]
            assert await gateway.watch.ready()


async def test_a_target_that_is_not_there_is_waited_for(folder: Path, log: logging.Logger) -> None:
    target = free_address()
    async with watching(target, log) as gateway:
        with pytest.raises(UnreachableError):
            await gateway.watch.look()
        assert not gateway.watch.known
        with serving(ReflectionHandler(deployed(folder, "/a")), address=target):
            assert await gateway.logged() == (CHANGED, {"routes": 1, "added": 1, "removed": 0})
            assert gateway.watch.known
            assert await gateway.watch.ready()


async def test_a_target_that_is_there_but_tells_nothing_is_not_ready(log: logging.Logger) -> None:
    with serving() as target:
        gateway = Gateway(target, NEVER)
        with pytest.raises(ReflectionError, match="no server reflection"):
            await gateway.watch.look()
        assert await gateway.backend.ready()
        assert not await gateway.watch.ready()
        await gateway.backend.close()


async def asked(handler: ReflectionHandler, times: int) -> None:
    """Waits until the target has been asked that often once more, the last time to the end."""
    while not handler.listings.empty():
        handler.listings.get()
    for _ in range(times + 1):
        await asyncio.to_thread(handler.listings.get, timeout=20)


async def test_defective_annotations_keep_the_routes_and_are_told_once(folder: Path, log: logging.Logger) -> None:
    handler = ReflectionHandler(deployed(folder, "/old"))
    with serving(handler) as target:
        async with watching(target, log, OFTEN) as gateway:
            handler.image = deployed(folder, "/{nowhere}", "/fine", "no-slash")
            told = [await gateway.logged(), await gateway.logged()]
            assert {event for event, _ in told} == {REFUSED}
            assert [fields["complaint"].partition(":")[0] for _, fields in told] == ["t.S.M0", "t.S.M2"]
            await asked(handler, 3)
            assert gateway.paths == ["/old"]
            assert gateway.watch.known
            handler.image = deployed(folder, "/new")
            assert (await gateway.logged())[0] == CHANGED  # the very next line
            assert gateway.paths == ["/new"]


async def test_descriptors_that_cannot_be_built_keep_the_routes_and_are_told_once(
    folder: Path, log: logging.Logger
) -> None:
    handler = ReflectionHandler(deployed(folder, "/old"))
    broken = FileDescriptorSet.FromString(handler.image)
    next(file for file in broken.file if file.name == "deployed.proto").message_type[0].name = "Renamed"
    with serving(handler) as target:
        async with watching(target, log, OFTEN) as gateway:
            handler.image = broken.SerializeToString()
            event, fields = await gateway.logged()
            assert (event, "deployed.proto" in fields["complaint"]) == (REFUSED, True)
            await asked(handler, 3)
            assert gateway.paths == ["/old"]
            handler.image = deployed(folder, "/new")
            assert (await gateway.logged())[0] == CHANGED


class Mute(grpc.GenericRpcHandler):  # type: ignore[misc]
    """A server without reflection, that notes how often it was asked for it."""

    def __init__(self) -> None:
        self.listings: SimpleQueue[str] = SimpleQueue()

    def service(self, details: Any) -> None:
        self.listings.put(details.method)


async def test_a_target_that_no_longer_tells_keeps_the_routes_and_is_told_of_once(
    folder: Path, log: logging.Logger
) -> None:
    target, mute = free_address(), Mute()
    async with contextlib.AsyncExitStack() as stack:
        with serving(ReflectionHandler(deployed(folder, "/old")), address=target):
            gateway = await stack.enter_async_context(watching(target, log, OFTEN))
        with serving(mute, address=target):
            event, fields = await gateway.logged()
            assert (event, "no server reflection" in fields["complaint"]) == (REFUSED, True)
            await asked(mute, 8)
            assert gateway.paths == ["/old"]
        with serving(ReflectionHandler(deployed(folder, "/new")), address=target):
            assert (await gateway.logged())[0] == CHANGED


async def test_a_service_without_descriptors_is_named_in_the_log(folder: Path, log: logging.Logger) -> None:
    handler = ReflectionHandler(deployed(folder, "/a"), lists=["t.S", "t.Ghost"])
    with serving(handler) as target:
        async with watching(target, log) as gateway:
            assert await gateway.logged() == ("service without descriptors", {"service": "t.Ghost"})


async def test_what_is_told_again_is_not_built_again(folder: Path, log: logging.Logger) -> None:
    with serving(ReflectionHandler(deployed(folder, "/a"))) as target:
        async with watching(target, log) as gateway:
            routes = gateway.transcoder.routes
            await gateway.watch.look()
            assert gateway.transcoder.routes is routes


async def test_what_cannot_be_served_is_raised_by_the_first_look(folder: Path) -> None:
    with serving(ReflectionHandler(deployed(folder, "/{nowhere}", "/{neither}"))) as target:
        gateway = Gateway(target, NEVER)
        with pytest.raises(RouteErrors) as raised:
            await gateway.watch.look()
        await gateway.backend.close()
    assert len(raised.value.complaints) == 2


async def test_services_are_made_ready_beside_the_event_loop(folder: Path) -> None:
    class Noting(Transcoder):
        thread = threading.get_ident()

        def serve(self, services: Iterable[ServiceDescriptor]) -> None:
            self.thread = threading.get_ident()
            super().serve(services)

    with serving(ReflectionHandler(deployed(folder, "/a"))) as target:
        backend = RemoteBackend(target)
        transcoder = Noting(None, backend)
        await ReflectionWatch(backend, transcoder, NEVER).look()
        await backend.close()
    assert [str(route.template) for route in transcoder.routes] == ["/a"]
    assert transcoder.thread != threading.get_ident()


def alive() -> int:
    gc.collect()
    return sum(str(type(thing).__module__).startswith("modelwire_gateway.") for thing in gc.get_objects())


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def test_two_hundred_changes_leave_nothing_behind(folder: Path, log: logging.Logger) -> None:
    images = [deployed(folder, "/a", messages=300), deployed(folder, "/b", messages=300)]
    handler = ReflectionHandler(images[0])
    echo = grpc.unary_unary_rpc_method_handler(lambda request, _: request)
    with serving(handler, grpc.method_handlers_generic_handler("t.S", {"M0": echo})) as target:
        async with watching(target, log) as gateway:

            async def change(times: int) -> None:
                for at in range(times):
                    handler.image = images[at % 2 == 0]
                    await gateway.watch.look()
                    assert (await gateway.logged())[0] == CHANGED
                    answer = await AsgiCall("GET", f"{gateway.paths[0]}?name=x").run(gateway.transcoder)
                    assert answer.body == b'{"name":"x"}'

            await change(20)
            things, before = alive(), resident_bytes()
            await change(200)
            assert alive() == things
            assert resident_bytes() - before < 16 * 2**20
