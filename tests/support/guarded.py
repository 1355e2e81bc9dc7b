"""`modelwire serve` with keys, `modelwire gateway` before it and a scripted upstream behind it: real programs."""

import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web
from modelwire_service.access.caller import Limits
from modelwire_service.storage.storage import Storage
from support.callers import DOORS, Asked, Caller, Got, GrpcCaller, RestCaller, got
from support.programs import Program, running
from support.scripted_upstream import COMPLETION, DONE, ScriptedUpstream, answer_events, answer_json, chunk

UPSTREAM_KEY = "sk-planted-upstream-0123456789"
MODELS = ("cheap-1", "dear-1")
FREE_PORTS = ("--grpc-address", "127.0.0.1:0", "--http-address", "127.0.0.1:0")
LIMITS = {
    "requests": Limits(requests_per_minute=1),
    "tokens": Limits(tokens_per_minute=5),
    "concurrency": Limits(concurrency=1),
    "plenty": Limits(requests_per_minute=100, tokens_per_minute=1_000),
}
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}

_COMPLETION = answer_json(COMPLETION)
_EVENTS = answer_events(chunk("Hel"), chunk("lo.", finish="stop"), {**chunk(), "choices": [], "usage": USAGE}, DONE)
_VECTORS = answer_json({
    "object": "list",
    "model": "scripted",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}],
    "usage": {"prompt_tokens": 3, "total_tokens": 3},
})  # fmt: skip


@dataclass(frozen=True)
class Keys:
    """The texts of keys, by what is special about them."""

    full: str
    cheap: str
    expired: str
    revoked: str
    limited: Mapping[tuple[str, str], str]
    """By the limit they have and the door that they are for. One call uses all of it up, but for that of `plenty`."""

    @classmethod
    def made(cls, database: str) -> "Keys":
        """`cheap` is for the first of the models alone."""
        return cls(
            make_key(database, "full"),
            make_key(database, "cheap", models=("cheap-*",)),
            make_key(database, "expired", expired=True),
            make_key(database, "revoked", revoked=True),
            {
                (what, door): make_key(database, f"{what} {door}", limits=limits)
                for what, limits in LIMITS.items()
                for door in DOORS
            },
        )


@dataclass(frozen=True)
class Guarded:
    """The programs, their database as a URL, and the files they log to."""

    serve: Program
    gateway: Program
    upstream: ScriptedUpstream
    folder: Path

    @property
    def database(self) -> str:
        return database_in(self.folder)

    def url(self, door: str) -> str:
        """Where REST is, over either backend."""
        return self.gateway.url if door == "REST remote" else self.serve.url

    def caller(self, door: str) -> Caller:
        if door == "gRPC":
            return GrpcCaller(self.serve.grpc_address)
        return RestCaller(self.url(door).removeprefix("http://"))

    async def got(self, door: str, headers: Mapping[str, str], asked: Asked = Asked(model="cheap-1")) -> Got:  # noqa: B008 - immutable
        """What comes of a call with these headers, or metadata, on a connection of its own."""
        caller = self.caller(door)
        try:
            return await got(caller, Asked(asked.kind, asked.model, asked.deadline, {**asked.headers, **headers}))
        finally:
            await caller.aclose()

    def logged(self) -> str:
        """All that both programs have written on standard error."""
        return "".join((self.folder / f"{name}.log").read_text() for name in ("serve", "gateway"))


@asynccontextmanager
async def guarded(folder: Path, *options: str, environment: Mapping[str, str] | None = None) -> AsyncIterator[Guarded]:
    """Runs all of it until the block ends: its database, and its logs, are in `folder`.

    `options` are those of `serve`, `environment` is of both programs.
    """
    async with ScriptedUpstream(*MODELS).listening() as upstream:
        given = {"OPENAI_BASE_URL": upstream.url, "OPENAI_API_KEY": UPSTREAM_KEY, **(environment or {})}
        with ExitStack() as stack:
            serve_log, gateway_log = (
                stack.enter_context((folder / f"{name}.log").open("w")) for name in ("serve", "gateway")
            )
            own = ("--database", database_in(folder), *FREE_PORTS)
            serve = stack.enter_context(running("serve", *own, *options, environment=given, stderr=serve_log.fileno()))
            where = ("--target", serve.grpc_address, "--http-address", "127.0.0.1:0")
            gateway = stack.enter_context(running("gateway", *where, environment=given, stderr=gateway_log.fileno()))
            yield Guarded(serve, gateway, upstream, folder)


def database_in(folder: Path) -> str:
    return f"sqlite:///{folder / 'modelwire.db'}"


def make_key(
    database: str,
    name: str = "somebody",
    *,
    models: Sequence[str] = (),
    limits: Limits = Limits(),  # noqa: B008 - immutable
    expired: bool = False,
    revoked: bool = False,
) -> str:
    """The text of a fresh key in the database."""
    storage = Storage(database)
    try:
        expires_at = LONG_AGO if expired else datetime.now(UTC) + timedelta(days=1)
        text, key = storage.keys().create(name, models, limits, expires_at)
        if revoked:
            storage.keys().revoke(key.id)
    finally:
        storage.close()
    return text


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def rows_of_usage(folder: Path) -> dict[str, dict[str, Any]]:
    """The usage kept in the database, by the call's id."""
    with closing(sqlite3.connect(folder / "modelwire.db")) as connection:
        connection.row_factory = sqlite3.Row
        return {row["call_id"]: dict(row) for row in connection.execute("SELECT * FROM usage")}


async def usual_answer(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    if request.path.endswith("/embeddings"):
        return await _VECTORS(request, body)
    return await (_EVENTS if body.get("stream") else _COMPLETION)(request, body)


def answering(upstream: ScriptedUpstream) -> None:
    """Has the upstream answer as usual, and forget what it saw."""
    upstream.answer = usual_answer
    for seen in (upstream.seen, upstream.bodies, upstream.headers):
        seen.clear()
    upstream.called.clear()
    upstream.left.clear()
