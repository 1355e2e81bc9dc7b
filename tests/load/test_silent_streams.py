"""Streams whose upstream is silent for a while."""

import asyncio
from pathlib import Path

from load.clients import Asked
from load.plays import Play
from load.raw_requests import request
from load.running import serving, upstream_running
from openai import AsyncOpenAI
from support.raw_http import connected

COMMENT = b": keep-alive\n\n"
PATIENCE = 30.0


async def test_silent_streams_carry_comments_which_openais_client_reads_over(tmp_path: Path) -> None:
    play = Play(events=3, gated=True)
    async with (
        upstream_running() as upstream,
        serving(tmp_path, upstream.settings("steady"), keep_alive_seconds=0.1) as served,
        AsyncOpenAI(base_url=f"{served.url}/v1", api_key="none") as openai,
        connected(served.http_address) as raw,
        asyncio.timeout(PATIENCE),
    ):
        stream = await openai.chat.completions.create(
            model="steady", messages=[{"role": "user", "content": play.text}], stream=True
        )
        first = await anext(stream)
        await raw.send(request(Asked(play)))
        await raw.answer_head()
        pieces = [await raw.chunk()]
        while pieces.count(COMMENT) < 3:
            pieces.append(await raw.chunk())
        await upstream.open_gate()
        texts = [
            first.choices[0].delta.content,
            *[chunk.choices[0].delta.content async for chunk in stream if chunk.choices],
        ]
    assert "".join(text or "" for text in texts) == "x" * play.size * play.events
