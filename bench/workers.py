"""One worker against several: short chats over REST, with a key, with usage kept, limits counted where asked for.

`make bench-workers`, or `python -m bench.workers [WORKERS] [--limited]`; two workers if none are given. The load, the
upstream and the server share the machine's cores, so that the ratio of throughputs is below what a load from elsewhere
would see; what CPU a call takes says the rest. Servers take turns within each round. Takes about half a minute and
prints a table.
"""

import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, cast

import uvloop

from bench.measuring.progress import Progress

ROUNDS: Final = 5
CALLS: Final = 3_000
CONNECTIONS: Final = 32
ITSELF: Final = (sys.executable, "-m", "bench.workers")
COMMAND: Final = str(Path(sys.executable).parent / "modelwire")
LIMITS: Final = ("--requests-per-minute", "1000000", "--tokens-per-minute", "100000000", "--concurrency", "10000")
COMPLETION: Final = (
    b'{"id":"c-1","object":"chat.completion","created":1700000000,"model":"m","choices":[{"index":0,"message":'
    b'{"role":"assistant","content":"Hello."},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}'
)
MODELS: Final = b'{"object":"list","data":[{"id":"m","object":"model","created":1,"owned_by":"bench"}]}'
QUESTION: Final = json.dumps({"model": "m", "messages": [{"role": "user", "content": "Say hello."}]}).encode()
LENGTH: Final = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class Peer(asyncio.Protocol):
    """One end of a connection on which whole messages come one after another."""

    def __init__(self) -> None:
        self.done = asyncio.get_running_loop().create_future()
        self._received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head = self._received.find(b"\r\n\r\n") + 4
        if head < 4:
            return
        length = LENGTH.search(self._received, 0, head)
        chunked = b"chunked" in self._received[:head]
        if (
            len(self._received) >= head + int(length[1])
            if length
            else not chunked or self._received.endswith(b"0\r\n\r\n")
        ):
            message = bytes(self._received)
            self._received.clear()
            self.came(message)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error or ConnectionError("closed"))

    def came(self, message: bytes) -> None:
        raise NotImplementedError


class Upstream(Peer):
    def came(self, message: bytes) -> None:
        body = MODELS if message.startswith(b"GET") else COMPLETION
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
        self.transport.write(head + body)

    def connection_lost(self, error: Exception | None) -> None:
        self.done.cancel()


class Client(Peer):
    """Asks again as soon as it is answered, while any of the `left` calls is left."""

    def __init__(self, request: bytes, left: list[int]) -> None:
        super().__init__()
        self._request = request
        self._left = left

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._ask()

    def came(self, message: bytes) -> None:
        if not message.startswith(b"HTTP/1.1 200 "):
            self.done.set_exception(RuntimeError(message[:300].decode(errors="replace")))
        else:
            self._ask()

    def _ask(self) -> None:
        if self._left[0]:
            self._left[0] -= 1
            self.transport.write(self._request)
        else:
            self.done.set_result(None)


async def serve_upstream() -> None:
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


async def load(port: int, key: str) -> None:
    """Prints the seconds that the calls took."""
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n".encode()
    request = head + b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(QUESTION) + QUESTION
    left, loop = [CALLS], asyncio.get_running_loop()
    began = time.perf_counter()
    opening = (loop.create_connection(lambda: Client(request, left), "127.0.0.1", port) for _ in range(CONNECTIONS))
    await asyncio.gather(*(client.done for _, client in await asyncio.gather(*opening)))
    sys.stdout.write(f"{time.perf_counter() - began}\n")


@contextmanager
def running(*command: str, until: str, **variables: str) -> Iterator[tuple["subprocess.Popen[str]", list[str]]]:
    """A program and what it printed up to a line that begins with `until`."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | variables)
    try:
        printed: list[str] = []
        for line in cast(Any, process.stdout):
            printed.append(line.strip())
            if line.startswith(until):
                break
        yield process, printed
    finally:
        process.terminate()
        process.wait()


def cpu_seconds(pid: int) -> float:
    """What the threads of a process have used (Linux, Documentation/scheduler/sched-stats.rst)."""
    return sum(int(path.read_text().split()[0]) for path in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def measured(supervisor: int, port: int, key: str) -> tuple[float, float, float]:
    """Calls a second; microseconds of CPU a call, of all processes and of the first one alone."""
    workers = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
    pids = [supervisor, *map(int, workers)]
    before = [cpu_seconds(pid) for pid in pids]
    command = [*ITSELF, "load", str(port), key]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True)
    used = [(cpu_seconds(pid) - start) / CALLS * 1e6 for pid, start in zip(pids, before, strict=True)]
    return CALLS / float(loaded.stdout), sum(used), used[0]


def measured_in_turn(
    servers: Mapping[int, tuple[int, int]], key: str
) -> Iterator[dict[int, tuple[float, float, float]]]:
    """A round to warm up, and the rounds that count: what was measured, by the number of workers."""
    progress = Progress((ROUNDS + 1) * len(servers))
    for _ in range(ROUNDS + 1):
        found = {}
        for count, server in servers.items():
            progress.tell(f"workers: {count}")
            found[count] = measured(*server, key)
            progress.step()
        yield found
    progress.end()


def compare(counts: list[int], *limits: str) -> None:
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        _, (upstream,) = stack.enter_context(running(*ITSELF, "upstream", until=""))
        variables = {
            "OPENAI_BASE_URL": f"http://127.0.0.1:{upstream}/v1",
            "MODELWIRE_DATABASE": f"sqlite:///{folder}/modelwire.db",
            "MODELWIRE_DRAIN_NOTICE_SECONDS": "0",
            "MODELWIRE_LOG_LEVEL": "error",
        }
        _, (key,) = stack.enter_context(running(COMMAND, "keys", "create", "bench", *limits, until="mw-", **variables))
        ports = ("--grpc-address", "127.0.0.1:0", "--http-address", "127.0.0.1:0")
        servers = {}
        for count in counts:
            serve = running(COMMAND, "serve", "--workers", str(count), *ports, until="try", **variables)
            process, printed = stack.enter_context(serve)
            port = next(int(line.rpartition(":")[2]) for line in printed if line.startswith("http "))
            servers[count] = (process.pid, port)
        rounds = list(measured_in_turn(servers, key))[1:]
        sys.stdout.write("workers  calls/s  ratio  CPU a call, µs  of it the supervisor\n")
        for count in counts:
            per_second, cpu, first = (statistics.median(one[count][part] for one in rounds) for part in range(3))
            ratio = statistics.median(one[count][0] / one[counts[0]][0] for one in rounds)
            share = f"{first:.0f}" if count > 1 else ""
            sys.stdout.write(f"{count:7}  {per_second:7,.0f}  {ratio:5.2f}  {cpu:14,.0f}  {share:>20}\n")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["upstream"]:
            uvloop.run(serve_upstream())
        case ["load", port, key]:
            uvloop.run(load(int(port), key))
        case [*given]:
            numbers = [int(each) for each in given if each.isdigit()]
            compare([1, *(numbers or [2])], *(LIMITS if "--limited" in given else ()))
