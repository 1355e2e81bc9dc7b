"""Writes the messages of a call as the HTTP answer.

Nothing goes out before the first message exists, so a call that fails before it is answered with its true
status. Each message is written before the next is awaited. A failure after the first message is told in the
framing's own way, or breaks the connection.
"""

from modelwire_gateway.backends.base import Call
from modelwire_gateway.errors import RpcFailure
from modelwire_gateway.exchange import BrokenAnswerError, Exchange
from modelwire_gateway.metadata import TRAILER_PREFIX, response_headers
from modelwire_gateway.query import SystemParameters
from modelwire_gateway.rendering import json_render, pretty
from modelwire_gateway.routes import Route
from modelwire_gateway.streaming import (
    EVENT_STREAM,
    Framing,
    http_body_framing,
    stream_framing,
    unary_framing,
)

_NO_BUFFERING = ((b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no"))


class Answer:
    """The answer of one call of `route`."""

    def __init__(self, exchange: Exchange, route: Route, parameters: SystemParameters) -> None:
        self._exchange = exchange
        self._route = route
        self._parameters = parameters

    async def write(self, call: Call) -> None:
        """Writes all messages of `call`; raises RpcFailure only while nothing has been sent."""
        first = await anext(call, None)
        framing = self._framing(first)
        if first is not None and not self._route.rpc.server_streaming:
            body = framing.render(first)
            await anext(call, None)
            await self._exchange.answer(200, await self._headers(framing, call), body)
            return
        await self._exchange.start(200, await self._headers(framing, call))
        await self._stream(call, framing, first)

    async def _stream(self, call: Call, framing: Framing, first: bytes | None) -> None:
        write, render = self._exchange.write, framing.render
        if first is not None:
            await write(framing.before + render(first), more=True)
            try:
                async for message in call:
                    await write(framing.between + render(message), more=True)
            except RpcFailure as error:
                if framing.late_error is None:
                    raise BrokenAnswerError(error.status.message) from error
                await write(framing.late_error(error), more=True)
                await self._exchange.end(())
                return
        last = framing.after if first is not None else framing.before + framing.after
        if last:
            await write(last, more=True)
        await self._exchange.end(response_headers(call.trailing_metadata(), TRAILER_PREFIX))

    def _framing(self, first: bytes | None) -> Framing:
        if self._route.returns_http_body:
            return http_body_framing(first or b"")
        render = json_render(self._route)
        if self._route.rpc.server_streaming:
            return stream_framing(render, self._exchange.headers.get("accept", ""), self._parameters.alt)
        return unary_framing(pretty(render) if self._parameters.pretty_print else render)

    async def _headers(self, framing: Framing, call: Call) -> list[tuple[bytes, bytes]]:
        headers = [(b"content-type", framing.content_type.encode("latin-1", "replace"))]
        if framing.content_type.startswith(EVENT_STREAM):
            headers.extend(_NO_BUFFERING)
        headers.extend(response_headers(await call.initial_metadata()))
        return headers
