"""Servers that nobody here wrote, speaking both APIs, with the faults they can be told to have."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

import httpx
from support.conversing import Kind

_AIMOCK: Final = Path(__file__).parents[1] / "clients/node/node_modules/@copilotkit/aimock/dist/cli.js"
_AIMOCK_SCRIPT: Final = Path(__file__).with_name("aimock.json")
_CALLS: Final = [{"name": "get_weather", "arguments": {"city": city}} for city in ("Oslo", "Lima")]
_CHAT: Final = {"match": {"model": "gemini-*"}}
_STREAM: Final = {"type": "stream_fault", "after_chunks": 2, "stall_seconds": 3}
_LLMOCK_BEHAVIORS: Final[dict[str, list[dict[str, Any]]]] = {
    "greet": [],
    "two calls": [
        {"type": "reply", "tool_calls": _CALLS, **_CHAT},
        {"type": "reply", "text": "Oslo: 4. Lima: 19.", **_CHAT},
    ],
    "refuse": [{"type": "fail", "status": 429, "retry_after": 17, **_CHAT}],
    "fail": [{"type": "fail", "status": 500, **_CHAT}],
    "be silent": [{"type": "delay", "seconds": 3, **_CHAT}],
    "end early": [{**_STREAM, "kind": "truncate"}],
    "break off": [{**_STREAM, "kind": "disconnect"}],
    "stall": [{**_STREAM, "kind": "stall"}],
    "talk nonsense": [{**_STREAM, "kind": "malformed"}],
}


class MockServer(Protocol):
    """A server at `url`."""

    url: str

    def upstream(self, kind: Kind, url: str) -> dict[str, Any]:
        """The settings of an upstream: where it speaks the API of that kind if reached at `url`, and its models."""

    async def will(self, behave: str) -> str:
        """Has it behave so when it is next called with the message this returns."""


class Aimock:
    """Its script goes by what it is told."""

    def __init__(self, url: str) -> None:
        self.url = url

    def upstream(self, kind: Kind, url: str) -> dict[str, Any]:
        at = {"gemini": url, "openai": f"{url}/v1"}
        return {"kind": kind, "base_url": at[kind], "models": ["gemini-2.5-flash", "text-embedding-3-small"]}

    async def will(self, behave: str) -> str:
        return behave


class Llmock:
    """It does as told in the calls that come next."""

    def __init__(self, url: str) -> None:
        self.url = url

    def upstream(self, kind: Kind, url: str) -> dict[str, Any]:
        at = {"gemini": f"{url}/gemini", "openai": f"{url}/v1"}
        return {"kind": kind, "base_url": at[kind], "models": ["gemini-2.5-flash", "text-embedding-3-small"]}

    async def will(self, behave: str) -> str:
        async with httpx.AsyncClient(base_url=f"{self.url}/_llmock") as http:
            (await http.post("/reset")).raise_for_status()
            if behaviors := _LLMOCK_BEHAVIORS[behave]:
                (await http.post("/scenario", json={"behaviors": behaviors})).raise_for_status()
        return "Say something of some length."


@contextmanager
def aimock_listening(node: str) -> Iterator[Aimock]:
    """Runs aimock until the block ends; the block starts once it has printed where it listens."""
    command = [node, str(_AIMOCK), "--port", "0", "--fixtures", str(_AIMOCK_SCRIPT)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            yield Aimock(next(line.split()[-1] for line in process.stdout if "listening on" in line))
        finally:
            process.kill()
