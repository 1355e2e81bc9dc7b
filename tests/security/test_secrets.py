"""Secrets are planted wherever one may be, everything goes wrong that can, and all that comes out is searched."""

import json
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import httpx
import orjson
import pytest
import pytest_asyncio
from click.testing import CliRunner
from google.protobuf import json_format
from modelwire.v1beta import chat_pb2
from modelwire_service.__main__ import main
from modelwire_service.access.caller import Caller
from modelwire_service.access.key_table import KeyTable, KnownKey
from modelwire_service.access.keys import ApiKey, new_key
from modelwire_service.call_record import CallRecord
from modelwire_service.command_line.entrance import opened_entrance
from modelwire_service.limits.redis_limiter import RedisLimiter
from modelwire_service.settings import Settings
from modelwire_service.storage.database import Database
from modelwire_service.storage.storage import Storage
from modelwire_service.upstreams.http.base import Request
from modelwire_service.upstreams.http.proxy import Proxy
from modelwire_service.upstreams.registry import build_catalog
from pydantic import ValidationError
from support.commands import ended_by_itself
from support.guarded import FREE_PORTS, database_in, make_key
from support.limits import limited
from support.loopback import Peer, listening
from support.programs import COMMAND, Program, running

pytestmark = pytest.mark.asyncio(loop_scope="session")

PLANTED = "pl4nted"
"""In every secret, so that one search finds all."""
PROMPT = f"my {PLANTED}-prompt"
KEY = f"sk-{PLANTED}-upstream-0123456789"
OTHER_KEY = f"sk-{PLANTED}-from-a-file-0123456789"
DEAD = "127.0.0.1:9"


ECHOED = ("401", "400", "html", "traceback", "late", "ok-error", "garbage", "param", "cut", "redirect", "httpx")
"""Ways in which an upstream says what it was told."""
MODELS = (*ECHOED, "gemini", "proxied", "dead", "no-tls", "unknown")


def config_of(echo: str, rude: str, folder: Path) -> str:
    """A server whose upstreams fail, each in a way of its own, and every place for a secret has one."""
    (folder / "key").write_text(f"{OTHER_KEY}\n")
    base, own = f'base_url = "{echo}/v1"', f'api_key = "{KEY}"'
    lines = {way: [base, own] for way in ECHOED} | {
        "gemini": [f'base_url = "{echo}"', f'api_key_file = "{folder / "key"}"'],
        "proxied": ['base_url = "https://api.example"', own, f'proxy = "http://user:{PLANTED}-proxy@{DEAD}"'],
        "dead": [f'base_url = "http://{DEAD}/v1"', 'api_key_env = "PLANTED_KEY"'],
        "no-tls": [f'base_url = "{rude.replace("http:", "https:")}"', own],
    }
    lines["httpx"].append('transport = "httpx"')
    upstreams = [
        f'[[upstreams]]\nname = "{name}"\nkind = "{"gemini" if name == "gemini" else "openai"}"\nmodels = ["{name}"]\n'
        "max_attempts = 1\n" + "\n".join(those)
        for name, those in lines.items()
    ]
    return "\n".join([f'redis = "redis://:{PLANTED}-redis@{DEAD}/0"', 'log_level = "debug"', *upstreams])


async def speaking_first(peer: Peer) -> None:
    """What no client of TLS awaits."""
    await peer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")


async def echoing(peer: Peer) -> None:
    """Tells all it was told, in the form that the model's name asks for."""
    request = await peer.request()
    head, _, body = request.partition(b"\r\n\r\n")
    told = head.decode().replace("\r\n", " ")
    model = orjson.loads(body).get("model", "gemini") if body else ""
    error = orjson.dumps({"error": {"message": f"{KEY} {OTHER_KEY} {told}", "code": 400, "status": "INVALID_ARGUMENT"}})
    match model:
        case "html":
            await peer.answer(f"<html>{told}</html>".encode(), "content-type: text/html", status="502 Bad")
        case "traceback":
            await peer.answer(f'Traceback (most recent call last)\n  File "x.py", {told}'.encode(), status="500 Bad")
        case "late":
            await peer.start_chunked("content-type: text/event-stream")
            await peer.chunk(b'data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n')
            await peer.chunk(b"data: " + error + b"\n\n")
            await peer.chunk(b"")
        case "ok-error":
            await peer.answer(error, "content-type: application/json")
        case "garbage":
            await peer.answer(f"{{{told}".encode(), f"content-type: {KEY}")
        case "param":
            wrong = orjson.dumps({"error": {"message": "no", "param": KEY, "type": KEY, "code": KEY}})
            await peer.answer(wrong, "content-type: application/json", status="400 Bad")
        case "cut":
            await peer.write(b"HTTP/1.1 400 Bad\r\ncontent-length: 9000\r\n\r\n" + error)
        case "redirect":
            await peer.answer(b"", f"location: http://elsewhere.example/?key={KEY}", status="302 Found")
        case "401":
            await peer.answer(error, "content-type: application/json", status=f"401 {KEY}")
        case _:
            await peer.answer(error, "content-type: application/json", status="400 Bad")


@dataclass(frozen=True)
class Leaky:
    program: Program
    gateway: Program
    folder: Path
    key: str
    said: list[str]
    """All that callers were told, headers and metadata too."""

    def logged(self) -> str:
        return "".join(path.read_text() for path in self.folder.glob("*.log"))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def leaky(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Leaky]:
    """Both programs once every model was called at every door, in one call and as a stream."""
    folder = tmp_path_factory.mktemp("secrets")
    database = database_in(folder)
    key = make_key(database, "planted", limits=limited(requests=10_000).limits)
    async with listening(echoing) as echo, listening(speaking_first) as rude:
        (folder / "modelwire.toml").write_text(config_of(echo.url, rude.url, folder))
        options = ("--config", str(folder / "modelwire.toml"), "--database", database)
        variables = {"PLANTED_KEY": f"{KEY}-variable"}
        with (folder / "serve.log").open("w") as log, (folder / "gateway.log").open("w") as other_log:
            serve = running("serve", *FREE_PORTS, *options, environment=variables, stderr=log.fileno())
            with serve as program:
                where = ("--target", program.grpc_address, "--http-address", "127.0.0.1:0")
                logging = ("--log-level", "debug", "--log-format", "json")
                with running("gateway", *where, *logging, environment=variables, stderr=other_log.fileno()) as gateway:
                    said = [told async for told in _all_told(program, gateway, key)]
                    yield Leaky(program, gateway, folder, key, said)


async def _all_told(program: Program, gateway: Program, key: str) -> AsyncIterator[str]:
    async with httpx.AsyncClient(timeout=30) as http, grpc.aio.insecure_channel(program.grpc_address) as channel:
        for model in MODELS:
            for stream in (False, True):
                chat = {"model": model, "stream": stream, "messages": [{"role": "user", "content": PROMPT}]}
                for url in (program.url, gateway.url):
                    path, own_id = f"{url}/v1/chat/completions?key={key}", {"x-request-id": f"{model}-{stream}"}
                    answer = await http.post(path, json=chat, headers=own_id)
                    yield f"{model}: {answer.status_code} {answer.headers} {answer.text}"
                yield f"{model}: {await _told_over_grpc(channel, chat, key)}"


async def _told_over_grpc(channel: grpc.aio.Channel, chat: dict[str, Any], key: str) -> str:
    wire = json_format.ParseDict(chat, chat_pb2.ChatCompletionsRequest()).SerializeToString()
    method = channel.unary_stream("/modelwire.v1beta.ChatService/ChatCompletions")
    call = method(wire, metadata=(("x-goog-api-key", key),))
    try:
        return " ".join([str(message) async for message in call])
    except grpc.aio.AioRpcError as error:
        return f"{error.code()} {error.details()} {error.initial_metadata()} {error.trailing_metadata()}"


async def test_every_upstream_failed_in_its_own_way(leaky: Leaky) -> None:
    assert len(leaky.said) == len(MODELS) * 2 * 3
    for model in MODELS:
        first, *_ = [told for told in leaky.said if told.startswith(f"{model}: ")]
        assert "error" in first
        assert "not asked for a while" not in first


async def test_callers_are_told_no_secret_and_no_address(leaky: Leaky) -> None:
    for told in leaky.said:
        assert PLANTED not in told
        assert leaky.key not in told
        assert DEAD not in told
        assert "Traceback" not in told


async def test_nothing_secret_is_logged_or_printed(leaky: Leaky) -> None:
    logged = leaky.logged()
    assert "proxied-True" in logged
    assert "redis" in logged
    for secret in (PLANTED, leaky.key):
        assert secret not in logged + leaky.program.printed + leaky.gateway.printed


async def test_nothing_secret_is_kept(leaky: Leaky) -> None:
    async with httpx.AsyncClient() as http:  # its row, and so those before it, are there once it is
        await http.get(f"{leaky.program.url}/v1/models/last", headers={"x-goog-api-key": leaky.key})
    kept = b""
    while b"late-True" not in kept:
        kept = b"".join(path.read_bytes() for path in leaky.folder.glob("modelwire.db*"))
    for secret in (PLANTED, leaky.key, leaky.key[14:]):
        assert secret.encode() not in kept


async def test_no_command_line_shows_a_secret(leaky: Leaky) -> None:
    for program in (leaky.program, leaky.gateway):
        for pid in (program.process.pid, *children(program.process.pid)):
            assert PLANTED.encode() not in of_process(pid, "cmdline")


def of_process(pid: int, what: str) -> bytes:
    return Path(f"/proc/{pid}/{what}").read_bytes()


def children(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield int(child)
            yield from children(int(child))


async def test_the_embedded_models_process_has_its_key_where_others_do_not_look(server: Program) -> None:
    [child] = children(server.process.pid)
    command = of_process(child, "cmdline")
    [key] = [
        value.partition(b"=")[2]
        for value in of_process(child, "environ").split(b"\0")
        if value.startswith(b"MODELWIRE_CHAT_WORKER_KEY=")
    ]
    assert len(key) > 40
    assert key not in command
    assert os.stat(f"/proc/{child}/environ").st_mode & 0o077 == 0


TLS_KEY = f"-----BEGIN PRIVATE KEY-----\n{PLANTED}\n-----END PRIVATE KEY-----\n"
UPSTREAM = '[[upstreams]]\nname = "a"\nkind = "openai"\nbase_url = "http://127.0.0.1:9"\n'
BAD: dict[str, tuple[str, dict[str, str]]] = {
    "a key that is a list": (f'{UPSTREAM}api_key = ["{PLANTED}"]', {}),
    "a key with a line end": (f'{UPSTREAM}api_key = "{PLANTED}\\n{PLANTED}"', {}),
    "a key that is twice": (f'{UPSTREAM}api_key = "{PLANTED}"\napi_key = "{PLANTED}"', {}),
    "a key without its quotes": (f"{UPSTREAM}api_key = sk-{PLANTED}", {}),
    "a key in the place of its variable": (f'{UPSTREAM}api_key_env = "sk-{PLANTED}-0123456789"', {}),
    "an option nobody knows": (f'{UPSTREAM}api_secret = "{PLANTED}"', {}),
    "a user in an address": (UPSTREAM.replace("http://", f"http://user:{PLANTED}@"), {}),
    "a key in an address": (UPSTREAM.replace(":9", f":9/?key={PLANTED}"), {}),
    "a proxy without a port": (f'{UPSTREAM}proxy = "http://user:{PLANTED}@proxy"', {}),
    "a proxy that is none": (f'{UPSTREAM}proxy = "socks5://user:{PLANTED}@proxy:1"', {}),
    "a variable that is no JSON": ("", {"MODELWIRE_UPSTREAMS": f'[{{"api_key": "{PLANTED}"'}),
    "a variable that is no list": ("", {"MODELWIRE_UPSTREAMS": f'{{"api_key": "{PLANTED}"}}'}),
    "an address of the environment": ("", {"OPENAI_BASE_URL": f"http://user:{PLANTED}@host"}),
    "a key of the environment": ("", {"GEMINI_API_KEY": f"{PLANTED}\u2028"}),
    "a database that is none of ours": (UPSTREAM, {"MODELWIRE_DATABASE": f"mysql://user:{PLANTED}@host/db"}),
    "a key file that holds none": (UPSTREAM, {"MODELWIRE_TLS_CERTIFICATE": "key.pem", "MODELWIRE_TLS_KEY": "key.pem"}),
}


AT_START = {
    "a database whose address is odd": (UPSTREAM, {"MODELWIRE_DATABASE": f"postgresql://u:{PLANTED}@[h/db"}),
    "a database nobody reaches": (UPSTREAM, {"MODELWIRE_DATABASE": f"postgresql://u:{PLANTED}@{DEAD}/db"}),
    "a Redis that is none": (UPSTREAM, {"MODELWIRE_REDIS": f"http://:{PLANTED}@{DEAD}/0"}),
    "a Redis whose port is odd": (UPSTREAM, {"MODELWIRE_REDIS": f"redis://:{PLANTED}@host:x/0"}),
}
"""What shows only when it is used."""


@pytest.mark.parametrize("name", BAD)
async def test_a_configuration_that_is_wrong_is_not_quoted(name: str, tmp_path: Path) -> None:
    written, variables = BAD[name]
    config, key = tmp_path / "modelwire.toml", tmp_path / "key.pem"
    config.write_text(written)
    key.write_text(TLS_KEY)
    given = {variable: value.replace("key.pem", str(key)) for variable, value in variables.items()}
    ended = CliRunner().invoke(main, ["check-config", "--config", str(config)], env=given)
    assert ended.exit_code == 1
    assert ended.stderr.startswith("Error: ")
    assert PLANTED not in ended.output


@pytest.mark.parametrize("name", AT_START)
async def test_nor_is_one_that_shows_itself_at_the_start(name: str, tmp_path: Path) -> None:
    written, variables = AT_START[name]
    (tmp_path / "modelwire.toml").write_text(written)
    config = ("--config", str(tmp_path / "modelwire.toml"))
    own = {"XDG_STATE_HOME": str(tmp_path)}
    ended = ended_by_itself(COMMAND, "serve", *FREE_PORTS, *config, variables=own | variables)
    assert ended.returncode == 1
    assert ended.stderr.startswith("Error: ")
    assert PLANTED not in ended.stdout + ended.stderr


async def test_nothing_shows_a_secret_by_its_repr(tmp_path: Path) -> None:
    text, key_id, digest = new_key()
    key = ApiKey(key_id, "name", digest, (), limited(1).limits, created_at=None)  # type: ignore[arg-type]
    (tmp_path / "key").write_text(OTHER_KEY)
    upstreams = [
        {"name": "a", "kind": "openai", "base_url": "http://a", "api_key": KEY, "proxy": f"http://u:{PLANTED}@a:1"},
        {"name": "b", "kind": "gemini", "api_keys": [KEY, f"{KEY}-2"]},
        {"name": "c", "kind": "openai", "base_url": "http://a", "api_key_file": tmp_path / "key"},
    ]
    settings = Settings.model_validate({
        "upstreams": upstreams,
        "database": f"sqlite:///{tmp_path}/{PLANTED}.db",
        "redis": f"redis://:{PLANTED}@{DEAD}",
        "auth": "none",
    })  # fmt: skip
    catalog = build_catalog(settings.upstreams, {})
    storage = Storage(f"postgresql://u:{PLANTED}@{DEAD}/db")
    shown: list[object] = [
        *(settings, settings.upstreams, settings.model_dump(), str(settings)),
        *(catalog, *catalog.upstreams, *(vars(upstream) for upstream in catalog.upstreams)),
        *(storage, Database(f"sqlite:///{tmp_path / 'plain.db'}")),
        *(RedisLimiter(f"redis://:{PLANTED}@{DEAD}"), Proxy.parsed(f"http://u:{PLANTED}@a:1")),
        *(key, KnownKey.of(key), KeyTable(lambda: [key], lambda: 1)),
        CallRecord("id", "rpc", Caller("id", credential=KEY)),
        Request("POST", "http://a", {"authorization": f"Bearer {KEY}"}, PROMPT.encode()),
        *(_raised(lambda: Settings.model_validate({"upstreams": [{"api_key": [KEY]}]})),),
    ]
    for each in shown:
        assert PLANTED not in repr(each)
        assert text not in repr(each)
        assert repr(digest) not in repr(each)
    async with opened_entrance(settings.model_copy(update={"database": None, "record_usage": False})) as entrance:
        assert PLANTED not in repr(vars(entrance))
    for upstream in catalog.upstreams:
        await upstream.close()


def _raised(act: Any) -> str:
    with pytest.raises(ValidationError) as raised:
        act()
    return json.dumps([str(detail["msg"]) for detail in raised.value.errors()])
