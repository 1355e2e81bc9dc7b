"""The response to one request."""

from asyncio import AbstractEventLoop, Future
from collections.abc import AsyncIterator, Mapping
from typing import Protocol

from modelwire_service.errors import ServiceError
from modelwire_service.upstreams.http import causes
from modelwire_service.upstreams.http.native.decoding import Decoder, UndecodableBody


class Source(Protocol):
    """Where the pieces of a body come from while it has not ended."""

    def resume(self) -> None:
        """Goes on reading if it stopped because too much was unread."""
        ...

    def abort(self) -> None: ...


class NativeResponse:
    """A `Response`, and the iterator of its pieces as they came. What came between two looks at it is one piece."""

    def __init__(self, status: int, headers: Mapping[str, str], source: Source, loop: AbstractEventLoop) -> None:
        self.status = status
        self.headers = headers
        self.unread = 0
        """Bytes of the body that have come and that nobody has taken."""
        self.begun = False
        """Whether anything of the body has come."""
        self._source: Source | None = source
        self._loop = loop
        self._pieces: list[bytes] = []
        self._error: ServiceError | None = None
        self._waiter: Future[None] | None = None
        self._decoder = Decoder.of(headers) if "content-encoding" in headers else None

    def pieces(self) -> AsyncIterator[bytes]:
        return self if self._decoder is None else self._decoded(self._decoder)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        while not self._pieces:
            if self._source is None:
                if self._error is not None:
                    raise self._error
                raise StopAsyncIteration
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            except BaseException:
                self._abort()
                raise
        pieces = self._pieces
        self._pieces = []
        self.unread = 0
        if self._source is not None:
            self._source.resume()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def aclose(self) -> None:
        self._abort()

    # What the connection says

    def take(self, piece: bytes) -> None:
        self.begun = True
        self._pieces.append(piece)
        self.unread += len(piece)
        self._wake()

    def end(self, error: ServiceError | None = None) -> None:
        """Nothing more comes; with an error, which is raised after the last piece, because the body broke off."""
        self._source = None
        self._error = error
        self._wake()

    async def _decoded(self, decoder: Decoder) -> AsyncIterator[bytes]:
        try:
            async for came in self:
                decoder.feed(came)
                while piece := decoder.read():
                    yield piece
            decoder.check_end()
        except UndecodableBody as error:
            self._abort()
            raise causes.broke_off(error) from error

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _abort(self) -> None:
        source = self._source
        if source is not None:
            self._source = None
            source.abort()
