"""TLS between a socket and an `EdgeProtocol`.

Theory of operation. The event loops' own TLS transports cannot end their output alone, and when they are closed they
wait for the client's farewell (close_notify) up to a time limit that cuts off an answer still being sent just as well:
short, it breaks answers to slow readers; long, a client that says no farewell holds up the drain. So OpenSSL is driven
here, over two buffers in memory, and the transport below stays the plain one. What it can do, a connection over TLS can
do too: end its output and read on, be closed with output still to be sent, stop reading, be watched for hanging up.

The protocol above is connected before the handshake begins. Its deadline for a head bounds the handshake as well, and
draining or counting connections needs to know nothing of TLS. A farewell is sent, and not waited for (RFC 8446,
section 6.1).
"""

import asyncio
import ssl
from contextlib import suppress
from typing import Any, Final

from modelwire_gateway.http_server import refusals
from modelwire_gateway.http_server.protocol import EdgeProtocol

_RECORD_BYTES: Final = 16 * 1024
"""The most that one TLS record holds (RFC 8446, section 5.1)."""


class TlsConnection(asyncio.Protocol, asyncio.Transport):
    """The transport of `protocol`, and the protocol of the transport below.

    What is written before the handshake is done goes nowhere.
    """

    def __init__(self, context: ssl.SSLContext, protocol: EdgeProtocol) -> None:
        super().__init__()
        self._context = context
        self._protocol = protocol
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._secured = False
        self._output_ended = False
        self._below: asyncio.Transport

    # What the transport below says

    def connection_made(self, transport: Any) -> None:
        self._below = transport
        self._protocol.connection_made(self)

    def data_received(self, data: bytes) -> None:
        if self._output_ended:
            return  # nothing can be answered any more
        self._incoming.write(data)
        if not self._secured and not self._shake_hands():
            return
        try:
            clear, farewell = self._decrypted()
        except ssl.SSLError:
            self.abort()  # what came was tampered with
            return
        self._send_encrypted()
        if clear:
            self._protocol.data_received(clear)
        if farewell:
            self._protocol.eof_received()
            self.close()

    def eof_received(self) -> None:
        self._protocol.eof_received()

    def pause_writing(self) -> None:
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        self._protocol.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._output_ended = True
        del self._tls  # which holds far more memory than all the rest
        self._protocol.connection_lost(exc)

    # What the protocol above asks for

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._output_ended or not self._secured:
            return
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._tls.write(rest) :]
        except ssl.SSLError:
            self.abort()
        else:
            self._send_encrypted()

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        """Ends the output. Raises OSError where the client has reset the connection."""
        self._say_farewell()
        self._below.write_eof()

    def close(self) -> None:
        self._say_farewell()
        self._below.close()

    def abort(self) -> None:
        self._output_ended = True
        self._below.abort()

    def is_closing(self) -> bool:
        return self._below.is_closing()

    def pause_reading(self) -> None:
        self._below.pause_reading()

    def resume_reading(self) -> None:
        self._below.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._context if name == "sslcontext" else self._below.get_extra_info(name, default)

    # Between the two

    def _shake_hands(self) -> bool:
        """Goes on with the handshake; whether it is done."""
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._send_encrypted()
        except ssl.SSLError as error:
            self._refuse(error)
        else:
            self._secured = True
        return self._secured

    def _refuse(self, error: ssl.SSLError) -> None:
        if error.reason == "HTTP_REQUEST":
            self._outgoing.read()  # the alert, which such a client could not read
            self._below.write(b"".join(refusals.response_parts(refusals.not_tls(), ())))
        self._send_encrypted()
        self._protocol.cut_off(refusals.not_tls())

    def _decrypted(self) -> tuple[bytes, bool]:
        """What has come, and whether the client has said farewell behind it."""
        pieces = []
        with suppress(ssl.SSLWantReadError):
            while piece := self._tls.read(_RECORD_BYTES):
                pieces.append(piece)
                if not self._incoming.pending and not self._tls.pending():
                    break
            else:
                return b"".join(pieces), True
        return b"".join(pieces), False

    def _say_farewell(self) -> None:
        if self._output_ended:
            return
        self._output_ended = True
        if self._secured and not self._below.is_closing():
            with suppress(ssl.SSLError):  # it wants the client's farewell, too
                self._tls.unwrap()
            self._send_encrypted()

    def _send_encrypted(self) -> None:
        if self._outgoing.pending:
            self._below.write(self._outgoing.read())
