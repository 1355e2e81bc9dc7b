"""uvicorn's HTTP/1.1 protocol, made fit to face clients nobody vouches for.

Theory of operation. What comes is fed to llhttp, whose callbacks make one `RequestCycle` a request; a cycle begins
when the one before it has been answered, until then it waits in `pipeline`.

* A connection is either in a head (between requests counts as that) or in a body. In a head, no more
  bytes are parsed than the limit leaves room for. In a body, `_overhead` counts the bytes that brought no
  content, so that trailers and chunk extensions are bounded by the same limit.
* What is awaited from the client, a whole head or the next bytes of a body, has a deadline. It does not
  run while the app has yet to read what came, to ask for a body (100), or to answer an earlier request; nor
  while an answer is under way, since the rest of the body may depend on it.
* uvicorn stops reading when a pipelined request is parsed, and then cannot see the client leave. Here
  reading goes on: what comes while an answer is due is held unparsed, up to a bound, and parsed after it.
  (A read that holds two requests still stops reading, until the first one's `receive` resumes it.)
* A body is read no faster than the app takes it. A client that leaves while reading is stopped is noticed by
  other means, see `hangup_watch`; its input is dropped up to the end, so that the transport sees that too.
  Apps are told by `receive`, and by the future `CLIENT_LEFT` while they do not want to receive more.
* An answer that its client does not read is waited with, so that little of it is in memory, but not for ever.
* A request that cannot be served is refused in its turn, after the answers due before it. From then on
  input is dropped.
* A connection that ends while input may still come is closed gently: the output is ended, input is read
  and dropped for a while. Closing it with input unread would reset it, and the last answer might be lost.
* Offers to upgrade to another protocol are ignored, see `request_head.without_upgrade`.
"""

import contextlib
from asyncio import AbstractEventLoop, Future, TimerHandle
from collections import deque
from typing import Any, Final

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from modelwire_gateway.errors import RpcFailure
from modelwire_gateway.http_server import refusals, request_head
from modelwire_gateway.http_server.cycle import RequestCycle
from modelwire_gateway.http_server.deadline import Deadline
from modelwire_gateway.http_server.hangup_watch import HangUpWatch, WatchedFlow
from modelwire_gateway.http_server.scope import common_scope, http_scope
from modelwire_gateway.remembered import Remembered

HEADER_BYTES: Final = 64 * 1024
"""The most a request line and its headers may take on the wire, line ends included."""

ARRIVAL_SECONDS: Final = 30.0
"""How long a head may take to arrive, and how long a body may pause, unless told otherwise."""

STALL_SECONDS: Final = 120.0
"""How long a client may leave its answer lying, when no more of it fits in between, unless told otherwise."""

_HELD_BYTES: Final = 256 * 1024
_PIPELINED_REQUESTS: Final = 100
_LINGER_SECONDS: Final = 5.0
_LOWER: Final = Remembered(bytes.lower)


class EdgeProtocol(HttpToolsProtocol):
    """One connection. `closed` is done once it is gone."""

    cycle: RequestCycle  # type: ignore[assignment]
    pipeline: deque[RequestCycle]  # type: ignore[assignment]

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: AbstractEventLoop | None = None,
        *,
        hang_ups: HangUpWatch,
        arrival_seconds: float = ARRIVAL_SECONDS,
        stall_seconds: float = STALL_SECONDS,
        max_connections: int | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.closed: Future[None] = self.loop.create_future()
        self._left: Future[None] = self.loop.create_future()
        self._hang_ups = hang_ups
        self._arrival_seconds = arrival_seconds
        self._arrival = Deadline(self.loop, arrival_seconds, self._late)
        self._idle = Deadline(self.loop, config.timeout_keep_alive, self.timeout_keep_alive_handler)
        self._stall = Deadline(self.loop, stall_seconds, lambda: self.transport.abort())
        self._max_connections = max_connections
        self._linger: TimerHandle | None = None
        self._in_head = True
        self._overhead = 0
        self._held = bytearray()
        self._running: RequestCycle | None = None
        self._our_turn = False
        self._deaf = False
        self._refusal: RpcFailure | None = None

    # What the transport says

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.flow = WatchedFlow(transport, self._hang_ups, self._hung_up)
        self._common = common_scope(self.server, self.client, self.scheme, self._left)
        self._arrival.restart()
        if self._max_connections is not None and len(self.connections) > self._max_connections:
            self._turn_away()

    def pause_writing(self) -> None:
        super().pause_writing()
        if not self._stall.pending:
            self._stall.restart()

    def resume_writing(self) -> None:
        self._stall.lift()
        super().resume_writing()

    def data_received(self, data: bytes) -> None:
        self._idle.lift()
        while data and not self._deaf:
            data = self._hold(data) if self._answer_due() else self._parse(data)
        if not self._deaf:
            self._expect_the_rest()

    def eof_received(self) -> None:
        self._disconnect()

    def connection_lost(self, exc: Exception | None) -> None:
        self._drop_input()
        self._idle.close()
        self._stall.close()
        if self._linger is not None:
            self._linger.cancel()
        self._disconnect()
        self.connections.discard(self)
        self.flow.resume_writing()
        self.parser = None  # type: ignore[assignment]
        self.closed.set_result(None)

    # What the parser says

    def on_message_begin(self) -> None:
        self.url = b""
        self.headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((_LOWER[name], value))

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade():
            if self.parser.get_method() == b"CONNECT":
                raise refusals.no_tunnels()
            return
        version = self.parser.get_http_version()
        if (complaint := request_head.complaint(version, self.url, self.headers)) is not None:
            raise complaint
        if len(self.pipeline) >= _PIPELINED_REQUESTS:
            raise refusals.too_far_ahead()
        scope = http_scope(self._common, self.parser.get_method(), self.url, version, self.headers)
        self.headers = []  # the scope keeps the list of the head's; trailers go nowhere
        self._in_head = False
        self._overhead = 0
        cycle = RequestCycle(scope, self, keep_alive=version != "1.0" and self.parser.should_keep_alive())
        previous, self.cycle = self.cycle, cycle
        if previous is None or previous.response_complete:
            self._start(cycle)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft(cycle)

    def on_body(self, body: bytes) -> None:
        self._overhead = 0
        if not self.cycle.response_complete and self.cycle.put(body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()

    def on_message_complete(self) -> None:
        if self._in_head:  # which offers an upgrade, and is to be parsed once more
            return
        cycle = self.cycle
        if not self.parser.should_keep_alive():  # a trailer may say so too, and then the parser takes nothing more
            cycle.keep_alive = False
        self._in_head = True
        self._overhead = 0
        self._arrival.lift()
        if cycle.response_complete:  # answered early, and idle only from here on
            self._idle.restart()
        else:
            cycle.more_body = False
            cycle.tell()

    # What requests do

    def _start(self, cycle: RequestCycle) -> None:
        self._running = cycle
        task = self.loop.create_task(cycle.run(self.app))
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

    def on_response_complete(self) -> None:
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start(self.pipeline.pop())
        else:
            self._idle.restart()
        if self._refusal is not None and not self._unanswered():
            self._answer(self._refusal, to_head=self._refuses_head())
        elif self._held:
            held, self._held = bytes(self._held), bytearray()
            self.data_received(held)

    def close_after_answer(self) -> None:
        if self._in_head or self.pipeline:
            self.transport.close()
        else:
            self._close_gently()

    # Ends

    def cut_off(self, error: RpcFailure) -> None:
        """Ends the connection: a request without an answer gets `error`, an answer under way breaks off."""
        self.pipeline.clear()
        running = self._unanswered()
        if running is None:
            self._close_gently()
            return
        self._disconnect()
        if running.response_started:
            self.transport.abort()
        else:
            self._answer(error, to_head=running.scope["method"] == "HEAD")

    def _turn_away(self) -> None:
        """Refuses the whole connection, and at once: what lingers would keep the next one out."""
        self._drop_input()
        self.transport.write(b"".join(refusals.response_parts(refusals.too_many(), self.server_state.default_headers)))
        self.transport.close()

    def _refuse(self, error: RpcFailure) -> None:
        """Refuses the request whose bytes are arriving, in its turn, and reads nothing more."""
        if not self._in_head and not self.pipeline:
            self.cut_off(error)
            return
        self._drop_input()
        if not self._in_head:
            self.pipeline.popleft()
        if self._unanswered():
            self._refusal = error
        else:
            self._answer(error, to_head=self._refuses_head())

    def _answer(self, error: RpcFailure, *, to_head: bool) -> None:
        head, body = refusals.response_parts(error, self.server_state.default_headers)
        self.transport.write(head if to_head else head + body)
        self._close_gently()

    def _refuses_head(self) -> bool:
        """Whether what is refused asks for HEAD; the parser knows the method of a request line it can read."""
        return bool(self.url) and self.parser.get_method() == b"HEAD"

    def _close_gently(self) -> None:
        self._drop_input()
        if self._linger is not None or self.transport.is_closing():
            return
        with contextlib.suppress(OSError):  # the client has reset the connection
            self.transport.write_eof()
        self._linger = self.loop.call_later(_LINGER_SECONDS, self.transport.close)

    def _drop_input(self) -> None:
        self._deaf = True
        self._held.clear()
        self._arrival.close()
        self.flow.resume_reading()

    def _hung_up(self) -> None:
        self._drop_input()
        self._disconnect()

    def _disconnect(self) -> None:
        """Tells the running request that nobody awaits its answer, and leaves it to itself."""
        if not self._left.done():
            self._left.set_result(None)
        running, self._running = self._unanswered(), None
        if running is not None:
            running.disconnected = True
            running.waiting_for_100_continue = False
            running.tell()
            self.flow.resume_writing()

    def _unanswered(self) -> RequestCycle | None:
        running = self._running
        return running if running is not None and not running.response_complete else None

    # Parsing

    def _answer_due(self) -> bool:
        """Whether a whole request waits for its answer, so that what comes belongs to a later one."""
        cycle = self.cycle
        return bool(self.pipeline) or (cycle is not None and not cycle.more_body and not cycle.response_complete)

    def _hold(self, data: bytes) -> bytes:
        self._held += data
        if len(self._held) > _HELD_BYTES:
            self._refuse(refusals.too_far_ahead())
        return b""

    def _parse(self, data: bytes) -> bytes:
        """Parses `data`, or as much as a head may take; returns what is to be parsed next."""
        piece = data[: HEADER_BYTES - self._overhead] if self._in_head else data
        self._overhead += len(piece)
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade as upgrade:
            method, version = self.parser.get_method(), self.parser.get_http_version()
            head = request_head.without_upgrade(method, self.url, version, self.headers)
            self._overhead = 0
            self.parser = httptools.HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
            return head + data[upgrade.args[0] :]
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._refuse(cause if isinstance(cause, RpcFailure) else refusals.malformed())
            return b""
        if self._overhead >= HEADER_BYTES:
            self._refuse(refusals.headers_too_large(HEADER_BYTES))
        return data[len(piece) :]

    # Time

    def _expect_the_rest(self) -> None:
        """A head has one deadline from its first byte, a body one from each of its reads."""
        if self._in_head:
            if self._overhead and not self._arrival.pending:
                self._arrival.restart()
        elif not self.cycle.response_complete:
            self._expect_content()

    def _expect_content(self) -> None:
        # Only a read can make it our turn, but our turn may end at any time: the client is owed a whole period then.
        self._our_turn = bool(self.pipeline) or self.flow.read_paused or self.cycle.waiting_for_100_continue
        self._arrival.restart()

    def _late(self) -> None:
        running = self._unanswered()
        # A client may wait for an answer that is under way before it sends on.
        our_turn = self._our_turn or (running is not None and running.response_started)
        if self._in_head and not self._overhead:
            self.transport.close()  # nothing was asked; an answer might be taken for that to the next request
        elif our_turn and not self._in_head:
            self._expect_content()
        else:
            self._refuse(refusals.too_slow(self._arrival_seconds))
