"""Every error class of the HTTP libraries has a meaning here."""

import inspect
from types import ModuleType

import aiohttp
import aiohttp.client_exceptions
import aiohttp.connector
import httpx
import pytest
from aiohttp.client_reqrep import ConnectionKey, RequestInfo
from modelwire_service.errors import ServiceError, UpstreamTimeout, UpstreamUnavailable
from modelwire_service.upstreams.http import aiohttp_client, httpx_client
from modelwire_service.upstreams.http.base import Request, Timeouts
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

TIMEOUTS = Timeouts()
NOT_SENT, SENT, TIMEOUT = "not sent", "sent", "timeout"


def exceptions_of(module: ModuleType) -> set[type[Exception]]:
    members = (member for _, member in inspect.getmembers(module, inspect.isclass))
    return {member for member in members if issubclass(member, Exception) and not issubclass(member, Warning)}


def kind_of(error: ServiceError) -> str:
    if isinstance(error, UpstreamUnavailable):
        return SENT if error.sent else NOT_SENT
    assert isinstance(error, UpstreamTimeout)
    return TIMEOUT


AIOHTTP: dict[str, str] = {
    "ClientConnectionError": SENT,
    "ClientConnectionResetError": SENT,
    "ClientConnectorCertificateError": NOT_SENT,
    "ClientConnectorDNSError": NOT_SENT,
    "ClientConnectorError": NOT_SENT,
    "ClientConnectorSSLError": NOT_SENT,
    "ClientError": SENT,
    "ClientHttpProxyError": NOT_SENT,
    "ClientOSError": SENT,
    "ClientPayloadError": SENT,
    "ClientProxyConnectionError": NOT_SENT,
    "ClientResponseError": SENT,
    "ClientSSLError": NOT_SENT,
    "ConnectionTimeoutError": NOT_SENT,
    "ContentTypeError": SENT,
    "InvalidURL": NOT_SENT,
    "InvalidUrlClientError": NOT_SENT,
    "InvalidUrlRedirectClientError": NOT_SENT,
    "NonHttpUrlClientError": NOT_SENT,
    "NonHttpUrlRedirectClientError": NOT_SENT,
    "RedirectClientError": NOT_SENT,
    "ServerConnectionError": SENT,
    "ServerDisconnectedError": SENT,
    "ServerFingerprintMismatch": NOT_SENT,
    "ServerTimeoutError": TIMEOUT,
    "SocketTimeoutError": TIMEOUT,
    "TooManyRedirects": SENT,
    "UnixClientConnectorError": NOT_SENT,
    "UploadAbortedError": SENT,
    "WSServerHandshakeError": SENT,
}

HTTPX: dict[str, str] = {
    "CloseError": SENT,
    "ConnectError": NOT_SENT,
    "ConnectTimeout": NOT_SENT,
    "CookieConflict": SENT,
    "DecodingError": SENT,
    "HTTPError": SENT,
    "HTTPStatusError": SENT,
    "InvalidURL": NOT_SENT,
    "LocalProtocolError": NOT_SENT,
    "NetworkError": SENT,
    "PoolTimeout": NOT_SENT,
    "ProtocolError": SENT,
    "ProxyError": NOT_SENT,
    "ReadError": SENT,
    "ReadTimeout": TIMEOUT,
    "RemoteProtocolError": SENT,
    "RequestError": SENT,
    "RequestNotRead": SENT,
    "ResponseNotRead": SENT,
    "StreamClosed": SENT,
    "StreamConsumed": SENT,
    "StreamError": SENT,
    "TimeoutException": TIMEOUT,
    "TooManyRedirects": SENT,
    "TransportError": SENT,
    "UnsupportedProtocol": NOT_SENT,
    "WriteError": SENT,
    "WriteTimeout": TIMEOUT,
}


def bare(kind: type[Exception]) -> Exception:
    """An instance made without the arguments its constructor wants."""
    return kind.__new__(kind)


def test_the_tables_name_every_class() -> None:
    theirs = exceptions_of(aiohttp.client_exceptions)
    assert {kind.__name__ for kind in theirs if issubclass(kind, aiohttp.ClientError)} == set(AIOHTTP)
    exported = {name for name in httpx.__all__ if name in {kind.__name__ for kind in exceptions_of(httpx)}}
    assert exported == set(HTTPX)


@pytest.mark.parametrize(("name", "kind"), AIOHTTP.items())
def test_every_aiohttp_error_has_a_meaning(name: str, kind: str) -> None:
    error = bare(getattr(aiohttp.client_exceptions, name))
    assert kind_of(aiohttp_client.explained(error, TIMEOUTS)) == kind


@pytest.mark.parametrize(("name", "kind"), HTTPX.items())
async def test_every_httpx_error_has_a_meaning_when_a_transport_raises_it(name: str, kind: str) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise bare(getattr(httpx, name))

    client = httpx_client.HttpxClient(TIMEOUTS, httpx.MockTransport(fail))
    with pytest.raises(ServiceError) as caught:
        await client.send(Request("GET", "http://secret-host/"))
    assert kind_of(caught.value) == kind
    assert "secret-host" not in caught.value.message


def test_the_words_come_from_the_root_cause_and_name_no_host() -> None:
    key = ConnectionKey("secret-host", 443, True, True, None, None, None)
    error = aiohttp.ClientConnectorError(key, OSError(111, "Connect call failed ('10.0.0.1', 443)"))
    message = aiohttp_client.explained(error, TIMEOUTS).message
    assert message == "the upstream was not reached: Connection refused"


def test_an_error_of_the_answer_shows_no_header_of_the_request() -> None:
    headers = CIMultiDictProxy(CIMultiDict({"authorization": "Bearer secret"}))
    info = RequestInfo(URL("http://secret-host/"), "POST", headers, URL("http://secret-host/"))
    message = aiohttp_client.explained(aiohttp.ClientResponseError(info, ()), TIMEOUTS).message
    assert "secret" not in message
