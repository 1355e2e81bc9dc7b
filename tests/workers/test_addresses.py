"""Where several workers listen, and what keeps a server from it."""

import signal
import socket
from pathlib import Path

import httpx
import pytest
from support.commands import ended_by_itself
from support.crews import FREE_PORTS, PATIENCE, WORKERS, begun_crew
from support.programs import COMMAND
from support.scripted_upstream import ScriptedUpstream

DOORS = ["--grpc-address", "--http-address"]
NO_UPSTREAM_NEEDED = {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}


@pytest.mark.parametrize("door", DOORS)
def test_a_port_that_others_would_share_is_taken_all_the_same(door: str) -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        done = ended_by_itself(COMMAND, "serve", "--workers", "2", *FREE_PORTS, door, address)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"Error: cannot listen on {address}: Address already in use\n"


def test_what_workers_cannot_share_is_told_before_any_starts() -> None:
    variables = NO_UPSTREAM_NEEDED | {"MODELWIRE_GRPC_ADDRESS": "unix:/tmp/never", "MODELWIRE_WORKERS": "2"}
    for command in ("serve", "check-config"):
        done = ended_by_itself(COMMAND, command, variables=variables)
        assert (done.returncode, done.stdout) == (1, "")
        assert "gRPC cannot share a socket file among workers" in done.stderr


def test_what_a_worker_finds_wrong_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    options = (*FREE_PORTS, "--workers", "2", "--database", f"sqlite:///{tmp_path / 'folder'}")
    done = ended_by_itself(COMMAND, "serve", *options, variables=NO_UPSTREAM_NEEDED)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("unable to open database file") == 1
    assert "Traceback" not in done.stderr


async def test_workers_take_turns_at_one_socket_file(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    path = tmp_path / "http"
    where = ("--grpc-address", "127.0.0.1:0", "--http-address", f"unix:{path}")
    async with begun_crew(*where, "--no-usage", OPENAI_BASE_URL=upstream.url) as crew:
        await crew.starts()
        assert f"http  unix:{path}" in crew.printed
        seen: set[int] = set()
        while len(seen) < WORKERS:
            name = f"call-{len(crew.log)}"
            async with httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(uds=str(path)), timeout=PATIENCE) as client:
                answer = await client.get("http://localhost/v1/models", headers={"x-request-id": name})
            assert answer.status_code == 200
            seen.add((await crew.logged("call", id=name))["worker"])
        crew.process.send_signal(signal.SIGTERM)
        assert await crew.ends() == 0
        assert not path.exists()
