"""The chat model's process: how it starts, and that it always ends."""

import asyncio
import os
import select
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from modelwire_service.errors import UpstreamUnavailable
from modelwire_service.upstreams.embedded.chat_process import ChatAddress, ChatProcess
from modelwire_service.upstreams.embedded.packages import CHAT_WEIGHTS, weights_path
from modelwire_service.upstreams.http.aiohttp_client import AiohttpClient
from modelwire_service.upstreams.http.base import Request, Timeouts

PARENT = """
import asyncio, sys
from pathlib import Path
from modelwire_service.upstreams.embedded.chat_process import ChatProcess

async def main():
    process = ChatProcess(Path(sys.argv[1]))
    await process.ensure_running()
    print(process.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture
async def process() -> AsyncIterator[ChatProcess]:
    made = ChatProcess(weights_path(CHAT_WEIGHTS))
    yield made
    await made.close()


def ended(pid_descriptor: int) -> bool:
    """Whether the process ends within ten seconds."""
    readable, _, _ = select.select([pid_descriptor], [], [], 10)
    os.close(pid_descriptor)
    return bool(readable)


def pid_of(process: ChatProcess) -> int:
    assert process.pid is not None
    return process.pid


async def late(process: ChatProcess) -> ChatAddress:
    """The address as one gets it who asks while the process is being started."""
    while process.pid is None:  # noqa: ASYNC110
        await asyncio.sleep(0)
    return await process.ensure_running()


async def status(url: str, key: str) -> int:
    client = AiohttpClient(Timeouts(connect=2, first_byte=5, idle=5))
    try:
        response = await client.send(Request("GET", url, {"authorization": f"Bearer {key}"}))
        await response.aclose()
        return response.status
    finally:
        await client.aclose()


async def test_it_answers_to_its_key_alone(process: ChatProcess) -> None:
    address = await process.ensure_running()
    assert address.base_url.startswith("http://127.0.0.1:")
    assert await status(f"{address.base_url}/props", address.key) != 401
    assert await status(f"{address.base_url}/props", "another") == 401
    assert address.key not in repr(address)


async def test_one_process_serves_all_who_ask_for_it(process: ChatProcess) -> None:
    first, second = await asyncio.gather(process.ensure_running(), process.ensure_running())
    assert first is second is await process.ensure_running()


async def test_its_session_is_its_own(process: ChatProcess) -> None:
    await process.ensure_running()
    assert os.getsid(pid_of(process)) == pid_of(process) != os.getsid(0)


async def test_it_is_started_again_once_it_died(process: ChatProcess) -> None:
    first = await process.ensure_running()
    pid = pid_of(process)
    os.kill(pid, signal.SIGKILL)
    assert await process.ended_within(10)
    second, third = await asyncio.gather(process.ensure_running(), late(process))
    assert pid_of(process) != pid
    assert first != second is third
    assert await status(f"{second.base_url}/models", second.key) == 200


async def test_closing_ends_it_and_leaves_no_zombie(process: ChatProcess) -> None:
    await process.ensure_running()
    pid = pid_of(process)
    await process.close()
    assert process.pid is None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(UpstreamUnavailable, match="shut down"):
        await process.ensure_running()


async def test_closing_ends_one_that_hears_nothing(process: ChatProcess) -> None:
    await process.ensure_running()
    pid = pid_of(process)
    os.kill(pid, signal.SIGSTOP)
    await process.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_it_dies_with_its_parent_however_that_dies() -> None:
    command = [sys.executable, "-c", PARENT, str(weights_path(CHAT_WEIGHTS))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        worker = os.pidfd_open(int(parent.stdout.readline()))
        parent.kill()
    assert ended(worker)


async def test_a_model_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    process = ChatProcess(tmp_path / "none.gguf")
    with pytest.raises(UpstreamUnavailable, match=r"did not start: its process reported .*To see why, run"):
        await process.ensure_running()
    assert process.pid is None


async def test_a_process_that_says_nothing_is_given_up() -> None:
    process = ChatProcess(weights_path(CHAT_WEIGHTS), start_seconds=0.01)
    with pytest.raises(UpstreamUnavailable, match=r"gave no address within 0\.01 s"):
        await process.ensure_running()
    assert process.pid is None


async def test_leaving_while_it_starts_ends_it(process: ChatProcess) -> None:
    starting = asyncio.ensure_future(process.ensure_running())
    while process.pid is None:  # noqa: ASYNC110
        await asyncio.sleep(0)
    worker = os.pidfd_open(process.pid)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert ended(worker)
