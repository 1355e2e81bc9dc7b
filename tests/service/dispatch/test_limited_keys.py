"""What an upstream's guard makes of a call for which no key is left: nothing was sent, so nothing is known."""

from typing import Any

import httpx
import pytest
from modelwire_service.call_record import CallRecord, begin
from modelwire_service.dispatch.breaker import FAILURES_IN_A_ROW, FIRST_OPEN_SECONDS
from modelwire_service.dispatch.dispatcher import Dispatcher
from modelwire_service.dispatch.guard import Guard, Policy
from modelwire_service.errors import KeysLimited, ServiceError, UpstreamRefused
from modelwire_service.model_catalog import ModelCatalog, Served
from modelwire_service.upstreams.http.base import Timeouts
from modelwire_service.upstreams.http.httpx_client import HttpxClient
from modelwire_service.upstreams.key_ring import KeyRing
from modelwire_service.upstreams.openai.adapter import OpenAIUpstream


class Bench:
    """A dispatcher over one upstream with two keys, which answers calls with `status`."""

    def __init__(self) -> None:
        self.now, self.status, self.asked = 1_000.0, 200, 0
        self.ring = KeyRing(["key-a", "key-b"], lambda: self.now)
        self.guard = Guard(Policy(attempts=1), clock=lambda: self.now, chance=lambda: 0.5)
        client = HttpxClient(Timeouts(), httpx.MockTransport(self._answer))
        upstream = OpenAIUpstream("o", base_url="http://up.example/v1", api_key=self.ring, client=client)
        self._dispatcher = Dispatcher(ModelCatalog([Served(upstream, guard=self.guard)], lambda: 0.0))

    async def call(self) -> CallRecord:
        """The record of a call, whatever became of it."""
        begin(record := CallRecord("id", "rpc"))
        try:
            await self._dispatcher.chat({"model": "m", "messages": []})
        except ServiceError as error:
            self.error = error
        return record

    def limit_keys(self) -> None:
        for key in self.ring.secrets:
            self.ring.note(key, "m", UpstreamRefused("slowly", http_status=429, retry_after=60.0))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/models"):
            return httpx.Response(200, json={"data": [{"id": "m"}]})
        self.asked += 1
        message: dict[str, Any] = {"role": "assistant", "content": "hi"}
        return httpx.Response(self.status, json={"choices": [{"message": message, "finish_reason": "stop"}]})


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_it_proves_nothing_and_leaves_the_probe_to_the_next(bench: Bench) -> None:
    bench.status = 500
    for _ in range(FAILURES_IN_A_ROW):
        await bench.call()
    bench.limit_keys()
    bench.now += FIRST_OPEN_SECONDS
    await bench.call()
    assert isinstance(bench.error, KeysLimited)
    assert (bench.asked, bench.guard.breaker.state) == (FAILURES_IN_A_ROW, "half-open")
    bench.now += 60
    bench.status = 200
    await bench.call()
    assert (bench.asked, bench.guard.breaker.state) == (FAILURES_IN_A_ROW + 1, "closed")


async def test_it_does_not_interrupt_a_row_of_failures(bench: Bench) -> None:
    bench.status = 500
    for _ in range(FAILURES_IN_A_ROW - 1):
        await bench.call()
    bench.limit_keys()
    await bench.call()
    bench.now += 60
    await bench.call()
    assert bench.guard.breaker.state == "open"


async def test_it_is_no_attempt(bench: Bench) -> None:
    assert (await bench.call()).attempts == 1
    bench.limit_keys()
    assert (await bench.call()).attempts == 0
    assert isinstance(bench.error, KeysLimited)
    assert bench.error.retry_after == 60.0
