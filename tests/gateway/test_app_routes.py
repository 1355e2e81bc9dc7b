"""Which routes the gateway has, and how they change while they are served."""

import asyncio
import gc
import json
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
from google.protobuf.descriptor import ServiceDescriptor
from modelwire_gateway.app import Transcoder
from modelwire_gateway.routing.routes import RouteErrors
from support.failing_backend import Failing
from support.fronted import ONE, answer, get
from support.images import CompileServices
from support.scripted_service import ScriptedService, backend_to

OTHER = """
syntax = "proto3"; package o; import "google/api/annotations.proto";
message M { string name = 1; M child = 2; }
service Other { rpc Get(M) returns (M) { option (google.api.http) = { get: "/other/{name}" }; } }
"""


class TestRoutes:
    async def test_until_the_services_are_known_callers_are_asked_to_come_back(
        self, services: tuple[ServiceDescriptor, ...]
    ) -> None:
        async with backend_to("local", ScriptedService(services, Unary=answer(ONE))) as backend:
            app = Transcoder(None, backend)
            before = await get(app, "/unary")
            assert app.routes == ()
            app.serve(services)
            after = await get(app, "/unary")
        error = json.loads(before.body)["error"]
        assert (before.status, before.headers["retry-after"]) == (503, "1")
        assert (error["status"], error["details"][0]["reason"]) == ("UNAVAILABLE", "ROUTES_UNKNOWN")
        assert after.status == 200

    async def test_a_service_of_nothing_knows_no_route(self) -> None:
        call = await get(Transcoder((), Failing()), "/unary")
        assert (call.status, json.loads(call.body)["error"]["message"]) == (
            404,
            "no route for GET /unary; there are: none",
        )

    async def test_routes_that_cannot_be_served_leave_those_before(
        self, services: tuple[ServiceDescriptor, ...], compile_services: CompileServices
    ) -> None:
        app = Transcoder(services, Failing())
        routes = app.routes
        with pytest.raises(RouteErrors, match="names no field 'nope'"):
            app.serve(compile_services(OTHER.replace("/other/{name}", "/other/{nope}")))
        assert app.routes == routes
        assert (await get(app, "/other/x")).status == 404

    async def test_a_call_under_way_goes_on_with_the_routes_it_began_with(
        self, services: tuple[ServiceDescriptor, ...], compile_services: CompileServices
    ) -> None:
        entered, go_on = asyncio.Event(), asyncio.Event()

        async def slow(_: bytes, __: Any) -> AsyncIterator[bytes]:
            entered.set()
            await go_on.wait()
            yield ONE

        async with backend_to("local", ScriptedService(services, Stream=slow)) as backend:
            app = Transcoder(services, backend)
            call = asyncio.create_task(get(app, "/stream"))
            await entered.wait()
            app.serve(compile_services(OTHER))
            go_on.set()
            assert (await call).body == b'[{"name":"1"}]'
            assert [str(route.template) for route in app.routes] == ["/other/{name}"]
            assert (await get(app, "/stream")).status == 404

    async def test_routes_that_were_replaced_are_forgotten(self, compile_services: CompileServices) -> None:
        class Answering(Failing):
            async def __anext__(self) -> bytes:
                if self._messages:
                    return self._messages.pop()
                raise StopAsyncIteration

        services: Any = compile_services(OTHER)
        app = Transcoder(services, Answering(ONE))
        assert (await get(app, "/other/x?child.name=z")).body == b'{"name":"1"}'
        pool = services[0].file.pool
        del services
        assert sys.getrefcount(pool) > 2
        app.serve(())
        gc.collect()
        assert sys.getrefcount(pool) == 2  # by this test alone
