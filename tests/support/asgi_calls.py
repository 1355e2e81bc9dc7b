"""One ASGI call, message by message: what a server sees of an app."""

import asyncio
from collections.abc import Iterable
from typing import Any

from modelwire_gateway.asgi import App
from modelwire_gateway.exchange import Message


class AsgiCall:
    """One request to an app, and all that the app sent. `leave` is the client's leaving."""

    def __init__(
        self,
        method: str,
        path: str,
        *,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        offers_trailers: bool = False,
        **scope: Any,
    ) -> None:
        raw_path, _, query = path.partition("?")
        self.scope: dict[str, Any] = {
            "type": "http",
            "method": method,
            "path": raw_path,
            "raw_path": raw_path.encode(),
            "query_string": query.encode(),
            "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers],
            "extensions": {"http.response.trailers": {}} if offers_trailers else {},
            **scope,
        }
        self.sent: list[Message] = []
        self._incoming: asyncio.Queue[Message] = asyncio.Queue()
        self._incoming.put_nowait({"type": "http.request", "body": body, "more_body": False})

    def leave(self) -> None:
        self._incoming.put_nowait({"type": "http.disconnect"})

    async def receive(self) -> Message:
        return await self._incoming.get()

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    async def run(self, app: App) -> "AsgiCall":
        await app(self.scope, self.receive, self.send)
        return self

    @property
    def status(self) -> int:
        status: int = self.sent[0]["status"]
        return status

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self.sent[0]["headers"]}

    @property
    def body(self) -> bytes:
        return b"".join(message["body"] for message in self.sent if message["type"] == "http.response.body")

    @property
    def trailers(self) -> dict[str, str] | None:
        """None where none were sent, not even an empty section."""
        sections = [message for message in self.sent if message["type"] == "http.response.trailers"]
        return {name.decode(): value.decode() for name, value in sections[0]["headers"]} if sections else None
