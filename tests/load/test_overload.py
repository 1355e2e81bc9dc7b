"""Ten times as many calls as the upstream can serve, wherever the limit stands that keeps them from it.

The upstream takes 100 ms for a call, and one call at once: 10 calls a second, and ten times as many cost far less than
a processor. So what is seen is what the limits do, and not what the machine can.
"""

import asyncio
import random
import time
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from statistics import median, quantiles

import pytest
from load.clients import Asked, Client, Ended, clients_of
from load.plays import Play
from load.running import serving, upstream_running

SERVICE_SECONDS = 0.1
AT_ONCE = 1
QUEUED = 4
CAPACITY = AT_ONCE / SERVICE_SECONDS
TIMES = 10
SECONDS = 3.0
LONGEST_WAIT = (QUEUED + AT_ONCE) / CAPACITY
MARGIN = 1.0
"""For a machine that does other things. Without a bound on the queue, calls of the last second would wait for 27."""
ASKED = Asked(Play(pause=SERVICE_SECONDS), "chat")


@dataclass
class Load:
    """What became of calls made in a span of time, on the clock of `time.monotonic`."""

    began: float
    ends: float = 0.0
    good: list[Ended] = field(default_factory=list)
    refused: list[Ended] = field(default_factory=list)

    @property
    def goodput(self) -> float:
        """Good answers in a second, those alone that came within the span."""
        return sum(ended.at <= self.ends for ended in self.good) / (self.ends - self.began)

    def take(self, ended: Ended) -> None:
        assert not ended.wrong
        (self.good if ended.status == "OK" else self.refused).append(ended)


async def at_capacity(clients: list[Client]) -> Load:
    """As many clients as find a place at once, each of which calls again when it has its answer."""
    load = Load(time.monotonic())

    async def work(client: Client) -> None:
        while time.monotonic() < load.began + SECONDS / 2:
            load.take(await client.call(ASKED))

    await asyncio.gather(*(work(client) for client in clients[: AT_ONCE + 1]))
    load.ends = time.monotonic()
    return load


async def overloaded(clients: list[Client]) -> Load:
    """Calls that come at random times, whatever becomes of those before them."""
    load = Load(time.monotonic())
    calls: list[asyncio.Task[Ended]] = []
    for client in cycle(clients):
        if (now := time.monotonic()) >= load.began + SECONDS:
            break
        while len(calls) < (now - load.began) * CAPACITY * TIMES:
            calls.append(asyncio.create_task(client.call(ASKED)))
        await asyncio.sleep(random.expovariate(CAPACITY * TIMES))
    load.ends = time.monotonic()
    for ended in await asyncio.gather(*calls):
        load.take(ended)
    return load


@pytest.mark.parametrize(
    ("of_server", "of_upstream"),
    [
        ({"max_concurrent_calls": AT_ONCE + 1, "max_queued_calls": QUEUED}, {}),
        ({}, {"max_concurrent": AT_ONCE + 1, "max_queued": QUEUED}),
    ],
    ids=["limit of the server", "limit of an upstream"],
)
async def test_overload_costs_no_goodput_and_the_rest_is_refused_at_once(
    of_server: dict[str, int], of_upstream: dict[str, int], tmp_path: Path
) -> None:
    async with (
        upstream_running() as upstream,
        serving(tmp_path, upstream.settings("steady", **of_upstream), **of_server) as served,
        clients_of(served.url, served.grpc_address, channels=2) as (rest, *channels),
    ):
        running = asyncio.create_task(channels[0].call(Asked(Play(gated=True))))
        await upstream.has_open(1)
        clients = [rest, channels[0], rest, channels[1]]
        usual, load = await at_capacity(clients), await overloaded(clients)
        await upstream.open_gate()
        before = await running

    assert (before.status, before.wrong) == ("OK", "")
    assert not usual.refused
    assert load.goodput >= 0.8 * usual.goodput, (load.goodput, usual.goodput)
    assert p99(load.good) <= LONGEST_WAIT + MARGIN
    assert len(load.refused) > 4 * len(load.good)
    assert {(ended.status, ended.told_when) for ended in load.refused} == {("UNAVAILABLE", True)}
    refusals = [ended.seconds for ended in load.refused]
    assert median(refusals) < 0.05
    assert p99(load.refused) < 0.5


def p99(calls: list[Ended]) -> float:
    """In seconds."""
    return quantiles((ended.seconds for ended in calls), n=100)[-1]
