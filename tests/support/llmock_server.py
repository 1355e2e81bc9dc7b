"""llmock, a server with scripted faults that nobody here wrote, as a child process."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modelwire_service.errors import UpstreamUnavailable
from modelwire_service.upstreams.http.aiohttp_client import AiohttpClient
from modelwire_service.upstreams.http.base import Request, Timeouts

_COMMAND = Path(sys.executable).with_name("llmock")


@contextmanager
def llmock_listening() -> Iterator[str]:
    """The address it listens at until the block ends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(_COMMAND), "serve", "--host", "127.0.0.1", "--port", str(port), "--log-level", "error"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            asyncio.run(_answers(f"http://127.0.0.1:{port}"))
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


async def _answers(url: str) -> None:
    """Returns once the server answers; its own start is all there is to wait for."""
    client = AiohttpClient(Timeouts(connect=1, first_byte=1, idle=1))
    async with asyncio.timeout(30):
        while True:
            try:
                await (await client.send(Request("GET", url + "/v1/models"))).aclose()
            except UpstreamUnavailable:
                await asyncio.sleep(0.05)
            else:
                return await client.aclose()
