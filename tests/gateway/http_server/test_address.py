import asyncio
import errno
import re
import socket
from pathlib import Path

import pytest
from modelwire_gateway.http_server.address import TcpAddress, UnixAddress, bound_address, listen, parse_address
from support.raw_http import PATIENCE, connected


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:8080", TcpAddress("127.0.0.1", 8080)),
        ("localhost:0", TcpAddress("localhost", 0)),
        (":65535", TcpAddress("", 65535)),
        ("[::1]:8080", TcpAddress("::1", 8080)),
        ("unix:/run/modelwire.sock", UnixAddress("/run/modelwire.sock")),
        ("unix:relative.sock", UnixAddress("relative.sock")),
    ],
)
def test_reads_addresses(text: str, address: TcpAddress | UnixAddress) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text", ["", "8080", "localhost", "localhost:", "localhost:http", "h:-1", "h:65536", "::1:8080", "h:²", "unix:"]
)
def test_names_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match="is not HOST:PORT"):
        parse_address(text)


@pytest.mark.parametrize(
    ("address", "prefix"),
    [
        (TcpAddress("127.0.0.1", 0), "127.0.0.1:"),
        (TcpAddress("localhost", 0), "127.0.0.1:"),
        (TcpAddress("::1", 0), "[::1]:"),
        (TcpAddress("", 0), "0.0.0.0:"),
    ],
)
async def test_tells_the_port_it_picked(address: TcpAddress, prefix: str) -> None:
    with await listen(address) as listener:
        bound = bound_address(listener)
    assert bound.startswith(prefix)
    assert int(bound.removeprefix(prefix)) > 0


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_taken_port_is_an_error_that_names_it_as_written(host: str) -> None:
    with await listen(TcpAddress("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(OSError, match="in use") as raised:
            await listen(TcpAddress(host, port))
    assert str(raised.value) == f"cannot listen on {host}:{port}: Address already in use"
    assert raised.value.errno == errno.EADDRINUSE


async def test_a_taken_ipv6_port_is_named_in_brackets() -> None:
    with await listen(TcpAddress("::1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(OSError, match="in use") as raised:
            await listen(TcpAddress("::1", port))
    assert str(raised.value) == f"cannot listen on [::1]:{port}: Address already in use"


@pytest.mark.parametrize("host", ["no such host", "a..b", "a" * 70])
async def test_a_host_nobody_knows_is_an_error_that_names_it(host: str) -> None:
    with pytest.raises(OSError, match=f"^cannot listen on {re.escape(host)}:8080: .") as raised:
        await listen(TcpAddress(host, 8080))
    assert "None" not in str(raised.value)


async def test_a_served_socket_file_is_an_error(tmp_path: Path) -> None:
    place = UnixAddress(str(tmp_path / "s"))
    with await listen(place), pytest.raises(OSError, match="in use") as raised:
        await listen(place)
    assert str(raised.value) == f"cannot listen on unix:{place.path}: Address already in use"


@pytest.mark.parametrize(("name", "cause"), [("missing/s", "No such file or directory"), ("s" * 200, "too long")])
async def test_a_socket_file_that_cannot_be_made_is_an_error(tmp_path: Path, name: str, cause: str) -> None:
    path = str(tmp_path / name)
    with pytest.raises(OSError, match=cause) as raised:
        await listen(UnixAddress(path))
    assert str(raised.value).startswith(f"cannot listen on unix:{path}: ")


async def test_an_abandoned_socket_file_is_replaced(tmp_path: Path) -> None:
    place = UnixAddress(str(tmp_path / "s"))
    (await listen(place)).close()
    with await listen(place) as listener:
        assert bound_address(listener) == f"unix:{place.path}"


async def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "s"
    file.write_text("precious")
    with pytest.raises(OSError, match="in use"):
        await listen(UnixAddress(str(file)))
    assert file.read_text() == "precious"


async def test_connections_send_small_writes_at_once() -> None:
    no_delay = asyncio.get_running_loop().create_future()

    class Probe(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            sock: socket.socket = transport.get_extra_info("socket")
            no_delay.set_result(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    listener = await listen(TcpAddress("127.0.0.1", 0))
    server = await asyncio.get_running_loop().create_server(Probe, sock=listener)
    async with server, connected(bound_address(listener)), asyncio.timeout(PATIENCE):
        assert await no_delay
