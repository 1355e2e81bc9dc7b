"""Why a call failed, in words that are safe to tell: no URL, no host, no key.

The messages of HTTP libraries name hosts and ports, so the causes chained behind them are classified instead.
"""

import os
import socket
import ssl
from typing import Final

from modelwire_service.errors import UpstreamTimeout, UpstreamUnavailable
from modelwire_service.upstreams.http.base import Timeouts

# What OpenSSL says in words of its own names the host. Codes of its X509_V_ERR_… (x509_vfy.h).
_CERTIFICATE: Final = {
    9: "its certificate is not valid yet",
    10: "its certificate has expired",
    18: "its certificate is self-signed",
    19: "its certificate is from an authority that is not trusted",
    20: "its certificate is from an authority that is not trusted",
    21: "its certificate is from an authority that is not trusted",
    23: "its certificate has been revoked",
    62: "its certificate is for another host",
    64: "its certificate is for another host",
}
_HANDSHAKE: Final = {
    "WRONG_VERSION_NUMBER": "it does not speak TLS",
    "UNSUPPORTED_PROTOCOL": "there is no version of TLS that both speak",
    "TLSV1_ALERT_PROTOCOL_VERSION": "there is no version of TLS that both speak",
}


def not_reached(error: BaseException) -> UpstreamUnavailable:
    """No connection was made, so the upstream cannot have the request."""
    return UpstreamUnavailable(f"the upstream was not reached: {_in_words(error)}", sent=False)


def not_let_through() -> UpstreamUnavailable:
    """The outgoing proxy made no connection, so the upstream cannot have the request."""
    return UpstreamUnavailable("the upstream was not reached: the proxy refused to connect to it", sent=False)


def not_reached_in_time(timeouts: Timeouts) -> UpstreamUnavailable:
    return UpstreamUnavailable(f"the upstream was not reached: no connection within {timeouts.connect:g} s", sent=False)


def broke_off(error: BaseException) -> UpstreamUnavailable:
    """The connection failed after the request may have gone out."""
    return UpstreamUnavailable(f"the connection to the upstream broke: {_in_words(error)}", sent=True)


def no_answer_in_time(timeouts: Timeouts) -> UpstreamTimeout:
    return UpstreamTimeout(f"the upstream did not begin to answer within {timeouts.first_byte:g} s")


def silent_for_too_long(timeouts: Timeouts) -> UpstreamTimeout:
    return UpstreamTimeout(f"the upstream fell silent for {timeouts.idle:g} s in the middle of its answer")


def _in_words(error: BaseException) -> str:
    found = (words for cause in reversed(_chain(error)) if (words := _words(cause)))
    return next(found, "its connection failed or its answer is not HTTP")


def _words(error: BaseException) -> str | None:
    match error:
        case ssl.SSLCertVerificationError(verify_code=code):
            return f"the TLS handshake failed: {_CERTIFICATE.get(code, 'its certificate is not valid')}"
        case ssl.SSLError(reason=reason) if reason in _HANDSHAKE:
            return f"the TLS handshake failed: {_HANDSHAKE[reason]}"
        case ssl.SSLError():
            return "the TLS handshake failed"
        case socket.gaierror():
            return "its host name is not known"
        case OSError(errno=int(number)):
            return os.strerror(number)
        case _:
            return None


def _chain(error: BaseException | None) -> list[BaseException]:
    """The error and its causes, the root cause last."""
    chain: list[BaseException] = []
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or error.__context__
    return chain
