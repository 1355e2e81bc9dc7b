"""500 clients at once that send their requests too slowly, or never to the end: others are served meanwhile."""

import asyncio
from collections import Counter

from load.clients import Asked
from load.impatient import impatient_door
from load.plays import Play
from load.raw_requests import head, request
from load.running import upstream_running
from support.raw_http import RawClient, connected

SENDERS = 500
PATIENCE = 60.0


async def test_slow_heads_and_bodies_are_cut_off_while_others_are_served() -> None:
    async with upstream_running() as upstream, impatient_door(upstream, 1.0) as server, asyncio.timeout(PATIENCE):
        sending = [asyncio.create_task(_send_slowly(server.address, at)) for at in range(SENDERS)]
        served = 0
        async with connected(server.address) as client:
            while not all(task.done() for task in sending):
                await client.send(request(Asked(Play(), "chat")))
                served += (await client.answer()).status == 200
        answers = Counter(await asyncio.gather(*sending))
    assert answers == {408: SENDERS}
    assert served > 5


async def _send_slowly(address: str, number: int) -> int:
    """The status that a client gets which drips its head, or sends a part of its body and no more."""
    async with connected(address) as client:
        if number % 2:
            await client.send(head(100_000) + b"{")
            answer = await client.answer()
        else:
            dripping = asyncio.create_task(_drip(client))
            answer = await client.answer()
            dripping.cancel()
        await client.rest()
        return answer.status


async def _drip(client: RawClient) -> None:
    await client.send(b"POST /v1/chat/completions HTTP/1.1\r\nx: ")
    while True:
        await client.send(b"x")
        await asyncio.sleep(0.2)
