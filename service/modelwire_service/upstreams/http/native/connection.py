"""One connection to an upstream, which carries one request at a time.

Theory of operation. A connection is idle or has an exchange, from the moment a request goes out until its answer has
come whole. Then it goes back to the pool by itself, whether or not somebody has read the answer, unless anything makes
its next use doubtful: either side wants it closed, bytes follow the answer, or the answer came before the request had
gone out. What comes while it is idle is nothing anybody asked for, and ends it.

Nothing of a call makes a task or a timer. One deadline is moved through the phases: `first_byte` until the body
begins, counted anew from its head on, as aiohttp's read timer does, then `idle` between pieces, then that of
keeping. While a large request is being sent, `connect` and `first_byte` together bound it. While so much is unread
that reading stops, nothing is awaited from the upstream and nothing runs.
"""

import asyncio
from typing import Final, Protocol, cast

from modelwire_service.errors import ServiceError
from modelwire_service.upstreams.http import causes
from modelwire_service.upstreams.http.base import Timeouts
from modelwire_service.upstreams.http.native.deadline import Deadline
from modelwire_service.upstreams.http.native.outgoing import Outgoing
from modelwire_service.upstreams.http.native.response import NativeResponse
from modelwire_service.upstreams.http.native.response_parser import MalformedResponse, ResponseHead, ResponseParser

STALE_SHOWS_WITHIN: Final = 1.0  # seconds
KEEPALIVE: Final = 15.0  # seconds
UNREAD_BYTES: Final = 256 << 10
"""With more of a body unread, no more is read from its connection."""


class StaleConnection(Exception):
    """A connection that was used before ended where a request went out, and nothing of an answer came."""


class Keeper(Protocol):
    """Whoever knows of all connections."""

    def opened(self, connection: "Connection") -> None: ...

    def freed(self, connection: "Connection") -> None:
        """It may carry another request."""
        ...

    def closed(self, connection: "Connection") -> None: ...


class Connection(asyncio.Protocol):
    def __init__(self, keeper: Keeper, timeouts: Timeouts) -> None:
        self._loop = asyncio.get_running_loop()
        self._keeper = keeper
        self._timeouts = timeouts
        self._to_send_and_begin = timeouts.connect + timeouts.first_byte
        self._parser = ResponseParser()
        self._deadline = Deadline(self._loop, self._late)
        self._begun: asyncio.Future[NativeResponse] | None = None  # there is one while there is an exchange
        self._answer: NativeResponse | None = None
        self._sent_at = 0.0
        self._paused = False
        self._heard = False
        self._ended = False
        self._used = False

    @property
    def usable(self) -> bool:
        return not self._transport.is_closing()

    @property
    def used(self) -> bool:
        """Whether it has carried a request whose answer came whole."""
        return self._used

    async def exchange(self, head: bytes, body: bytes) -> NativeResponse:
        """Sends a request and waits for the head of its answer.

        Raises what `HttpClient` raises, and StaleConnection where the request may be sent once more.
        """
        if not self.usable:  # its server ended it before anything was asked
            raise causes.not_reached(ConnectionError())
        begun: asyncio.Future[NativeResponse] = self._loop.create_future()
        self._begun = begun
        self._heard = False
        self._sent_at = self._loop.time()
        self._outgoing.send(head, body)
        self._deadline.restart(self._to_send_and_begin if self._outgoing.full else self._timeouts.first_byte)
        try:
            return await begun
        except BaseException:
            if self._begun is begun:
                self.abort()
            raise

    def abort(self) -> None:
        """Closes the connection at once. An exchange under way is nobody's any more."""
        self._begun = self._answer = None
        self._transport.abort()

    def give_up(self) -> None:
        """Ends a connection that is not made: uvloop tells nothing to one that is cancelled at its very last step."""
        self._deadline.close()
        self._keeper.closed(self)

    def close(self) -> None:
        """Closes the connection, and tells whoever waits for an answer."""
        self._fail(causes.broke_off(ConnectionError()))

    def resume(self) -> None:
        if self._paused:
            self._paused = False
            self._transport.resume_reading()
            self._deadline.restart(self._timeouts.idle)

    # What the transport says

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._outgoing = Outgoing(self._transport)
        self._deadline.restart(KEEPALIVE)
        self._keeper.opened(self)

    def data_received(self, data: bytes) -> None:
        if self._begun is None:
            self.abort()
            return
        self._heard = True
        parser, malformed = self._parser, None
        try:
            parser.feed(data)
        except MalformedResponse as error:
            malformed = error
        head = parser.answer
        answer = self._answer or (self._begin(head) if head is not None else None)
        came = parser.taken()
        if answer is not None and came:
            answer.take(came)
        if malformed is not None:
            self._fail(causes.broke_off(malformed))
        elif answer is not None and head is not None:
            if head.complete:
                self._complete(answer, keep=head.keeps_alive)
            elif came:
                self._await_more(answer)

    def eof_received(self) -> None:
        self._ended = True

    def connection_lost(self, exc: Exception | None) -> None:
        self._deadline.close()
        self._keeper.closed(self)
        begun, answer = self._begun, self._answer
        if begun is not None:
            head = self._parser.answer
            if answer and head and head.ends_with_connection and self._ended and exc is None:
                answer.end()
            elif self._is_stale():
                self._tell(StaleConnection())
            else:
                self._tell(causes.broke_off(exc or ConnectionError()))
        self._begun = self._answer = None
        self._parser.close()

    def pause_writing(self) -> None:
        self._outgoing.full = True

    def resume_writing(self) -> None:
        self._outgoing.full = False
        self._outgoing.go_on()
        if self._begun is not None and not self._outgoing.full and not self._heard:
            left = self._sent_at + self._to_send_and_begin - self._loop.time()
            self._deadline.restart(min(self._timeouts.first_byte, left))

    # An exchange

    def _begin(self, head: ResponseHead) -> NativeResponse | None:
        """The answer whose head has come; None if nobody waits for it any more."""
        begun = self._begun
        if begun is None or begun.done():
            return None
        self._answer = NativeResponse(head.status, head.headers, self, self._loop)
        begun.set_result(self._answer)
        self._deadline.restart(self._timeouts.first_byte)
        return self._answer

    def _await_more(self, answer: NativeResponse) -> None:
        if answer.unread <= UNREAD_BYTES:
            self._deadline.restart(self._timeouts.idle)
        elif not self._paused:
            self._paused = True
            self._transport.pause_reading()
            self._deadline.lift()

    def _complete(self, answer: NativeResponse, *, keep: bool) -> None:
        self._begun = self._answer = None
        answer.end()
        if not (keep and self._outgoing.all_sent):
            self.abort()
            return
        self._used = True
        self._parser.restart()
        self._deadline.restart(KEEPALIVE)
        if self._paused:
            self._paused = False
            self._transport.resume_reading()
        self._keeper.freed(self)

    def _late(self) -> None:
        if self._begun is None:
            self.abort()
        elif self._answer is not None and self._answer.begun:
            self._fail(causes.silent_for_too_long(self._timeouts))
        else:
            self._fail(causes.no_answer_in_time(self._timeouts))

    def _fail(self, error: ServiceError) -> None:
        self._tell(error)
        self.abort()

    def _tell(self, error: ServiceError | StaleConnection) -> None:
        if self._answer is not None and isinstance(error, ServiceError):
            self._answer.end(error)
        elif self._begun is not None and not self._begun.done():
            self._begun.set_exception(error)

    def _is_stale(self) -> bool:
        return self._used and not self._heard and self._loop.time() - self._sent_at < STALE_SHOWS_WITHIN
