"""Writes the outcome of a call as the HTTP answer.

Nothing goes out before the first message exists, so a call that fails before it is answered with its true
status. Each message is written before the next is awaited. A failure after the first message is told in the
framing's own way, or breaks the connection. The call's metadata go along, of failed calls too.
"""

import math
from collections.abc import Awaitable, Callable
from functools import partial

from modelwire_gateway.answers.keep_alive import KeepAlive
from modelwire_gateway.answers.streaming import Framing
from modelwire_gateway.backends.base import Call, Metadata, Response
from modelwire_gateway.content_types import JSON
from modelwire_gateway.endpoints import AnswerStyle, Endpoint
from modelwire_gateway.errors import RpcFailure, failure, retry_after
from modelwire_gateway.exchange import BrokenAnswerError, Exchange
from modelwire_gateway.metadata import TRAILER_PREFIX, Headers, response_headers
from modelwire_gateway.requests.query import SystemParameters

Write = Callable[[bytes], Awaitable[None]]


class Answer:
    """The answer of one call by way of `endpoint`."""

    def __init__(
        self, exchange: Exchange, endpoint: Endpoint, parameters: SystemParameters, keep_alive_seconds: float
    ) -> None:
        self._exchange = exchange
        self._endpoint = endpoint
        self._style = endpoint.style
        self._parameters = parameters
        self._keep_alive_seconds = keep_alive_seconds

    async def write(self, call: Call) -> None:
        """Answers with the messages of `call`, or with its error; raises BrokenAnswerError for one told too late."""
        try:
            if self._endpoint.server_streaming:
                await self._stream(call)
            else:
                await self._whole(call)
        except RpcFailure as error:
            await refuse(self._exchange, error, self._style, await call.initial_metadata())

    async def _whole(self, call: Call) -> None:
        exchange = self._exchange
        message = await anext(call, None)
        if message is None:
            raise failure("INTERNAL", "the service ended the call without a response")
        framing = self._framing(message)
        body = framing.render(message)
        await anext(call, None)  # only the end tells whether the call succeeded
        headers = await self._headers(framing, call)
        await exchange.answer(200, headers, body, _trailers(exchange, call.trailing_metadata()))

    async def _stream(self, call: Call) -> None:
        """Writes a stream; raises RpcFailure only while nothing has been sent."""
        exchange = self._exchange
        first = await anext(call, None)
        framing = self._framing(first or b"")
        piece = framing.before + (framing.after if first is None else framing.render(first))
        if framing.is_document and first is not None:
            if (second := await anext(call, None)) is None:
                headers = await self._headers(framing, call)
                await exchange.answer(200, headers, piece, _trailers(exchange, call.trailing_metadata()))
                return
            piece += framing.render(second)
        await exchange.start(200, await self._headers(framing, call))
        await exchange.write(piece, more=True)  # even where empty: a layer above may hold the head until then
        if first is None:
            trailing = call.trailing_metadata()
        elif framing.is_events:
            with KeepAlive(exchange, self._keep_alive_seconds) as events:
                events.written(piece)
                trailing = await self._rest(call, framing, piece, events.write)
        else:
            trailing = await self._rest(call, framing, piece, partial(exchange.write, more=True))
        await exchange.end(_trailers(exchange, trailing))

    async def _rest(self, call: Call, framing: Framing, last: bytes, write: Write) -> Metadata:
        """Writes what follows the first message; returns the metadata that the call ended with."""
        render, between = framing.render, framing.between
        try:
            async for message in call:
                piece = between + render(message)
                await write(piece)
                last = piece or last
        except RpcFailure as error:
            if framing.late_error is None:
                raise BrokenAnswerError(error.status.message) from None
            await write(framing.late_error(error, last))
            return error.trailing_metadata
        if framing.after:
            await write(framing.after)
        return call.trailing_metadata()

    async def _headers(self, framing: Framing, call: Call) -> Headers:
        return [
            *framing.headers,
            *response_headers(await call.initial_metadata(), exposed=self._style.exposed_metadata),
        ]

    def _framing(self, first: Response) -> Framing:
        return self._endpoint.framing(first, self._exchange.headers.get("accept", ""), self._parameters)


async def refuse(exchange: Exchange, error: RpcFailure, style: AnswerStyle, initial_metadata: Metadata = ()) -> None:
    """Answers with an error; the answer must not have started."""
    headers = [(b"content-type", JSON.encode())]
    headers += [(name.encode("latin-1"), value.encode("latin-1")) for name, value in error.headers]
    if error.http_status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    if (seconds := retry_after(error.status)) is not None:
        headers.append((b"retry-after", b"%d" % max(0, math.ceil(seconds))))
        headers.append((b"retry-after-ms", b"%d" % max(0, round(seconds * 1000))))
    # A call that failed before its first message has but one block of metadata in gRPC, whatever that is called.
    told = [pair for pair in error.trailing_metadata if pair[0] in style.exposed_metadata]
    headers += response_headers([*initial_metadata, *told], exposed=style.exposed_metadata)
    await exchange.answer(
        error.http_status, headers, style.error_json(error), _trailers(exchange, error.trailing_metadata)
    )


def _trailers(exchange: Exchange, metadata: Metadata) -> Headers:
    return response_headers(metadata, TRAILER_PREFIX) if exchange.sends_trailers else ()
