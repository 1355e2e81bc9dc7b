"""An address that workers may share, and nobody else."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from modelwire_service.settings import Settings
from modelwire_service.workers.held_addresses import HeldAddresses, hold


def settings(grpc_address: str = "127.0.0.1:0", http_address: str = "127.0.0.1:0") -> Settings:
    return Settings(grpc_address=grpc_address, http_address=http_address)


@contextmanager
def let_go(held: HeldAddresses) -> Iterator[HeldAddresses]:
    try:
        yield held
    finally:
        held.let_go()


def port_of(address: str) -> int:
    return int(address.rpartition(":")[2])


def listening(port: int, *, reuse_port: bool, reuse_address: bool = True, host: str = "127.0.0.1") -> socket.socket:
    made = socket.socket()
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse_address)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, reuse_port)
        made.bind((host, port))
        made.listen()
    except BaseException:
        made.close()
        raise
    return made


async def test_workers_listen_where_the_supervisor_does_not() -> None:
    with let_go(await hold(settings())) as held:
        port = port_of(held.grpc.bound)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port)).close()
        for _ in range(2):  # the port stays held while workers come and go
            with listening(port, reuse_port=True), listening(port, reuse_port=True):
                socket.create_connection(("127.0.0.1", port)).close()


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
@pytest.mark.parametrize("reuse_address", [True, False])
async def test_nobody_else_can_listen_there(host: str, reuse_address: bool) -> None:
    with let_go(await hold(settings())) as held, pytest.raises(OSError, match="Address already in use"):
        listening(port_of(held.grpc.bound), reuse_port=False, reuse_address=reuse_address, host=host)


async def test_a_second_server_of_the_same_user_is_told_that_the_port_is_taken() -> None:
    with let_go(await hold(settings())) as held:
        with pytest.raises(OSError, match=f"cannot listen on {held.grpc.bound}: Address already in use"):
            await hold(settings(grpc_address=held.grpc.bound))
        assert held.http is not None
        with pytest.raises(OSError, match=f"cannot listen on {held.http.bound}: Address already in use"):
            await hold(settings(http_address=held.http.bound))


async def test_both_doors_cannot_have_one_port() -> None:
    with listening(0, reuse_port=False) as free:
        port = free.getsockname()[1]
    with pytest.raises(OSError, match="Address already in use"):
        await hold(settings(f"127.0.0.1:{port}", f"127.0.0.1:{port}"))
    with listening(port, reuse_port=False):
        pass  # nothing of it is left


async def test_a_server_that_was_there_before_is_no_hindrance() -> None:
    with listening(0, reuse_port=False) as before:
        port = before.getsockname()[1]
        caller = socket.create_connection(("127.0.0.1", port))
        connection, _ = before.accept()
        connection.close()  # the first to close a connection keeps its port in TIME_WAIT
        caller.close()
    with let_go(await hold(settings(grpc_address=f"127.0.0.1:{port}"))) as held:
        assert held.grpc.bound == f"127.0.0.1:{port}"


async def test_a_name_is_kept_for_the_workers_with_the_port_that_was_found() -> None:
    with let_go(await hold(settings("localhost:0", "localhost:0"))) as held:
        assert held.http is not None
        assert held.http.address == f"localhost:{port_of(held.http.bound)}"
        assert held.http.bound.startswith("127.0.0.1:")
        ports = {each.getsockname()[1] for each in held.grpc.sockets}
        assert ports == {port_of(held.grpc.address)}


@pytest.mark.parametrize("address", ["192.0.2.1:0", "no-such-host.invalid:0"])
async def test_what_is_no_address_of_this_machine_is_told(address: str) -> None:
    with pytest.raises(OSError, match=f"cannot listen on {address}: "):
        await hold(settings(grpc_address=address))


async def test_a_socket_file_is_listened_on_and_goes_with_its_server(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with let_go(await hold(settings(http_address=f"unix:{path}"))) as held:
        assert held.http is not None
        assert held.http.listener is not None
        assert path.is_socket()
    assert not path.exists()
