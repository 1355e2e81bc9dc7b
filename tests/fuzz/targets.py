"""The programs that are attacked, each with all it needs behind it."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import orjson
from aiohttp import web
from fuzz import corpora
from fuzz.service import Everything, image, serving
from fuzz.watch import Log
from google.api import httpbody_pb2
from modelwire_gateway.sources.descriptors import built_in_services
from support.programs import running
from support.scripted_upstream import COMPLETION, DONE, ScriptedUpstream, answer_events, answer_json, chunk

_CHOICES: Final = ("--cors-origin", "https://example.com", "--expose-metadata", "x-echo", "--forward-header", "origin")
_DOORS: Final = ("--http-address", "127.0.0.1:0", "--max-request-bytes", str(2**20))


@dataclass(frozen=True, slots=True)
class Target:
    """A running program: where it listens, what may be sent to it, and how to tell that something is wrong."""

    name: str
    address: str
    corpus: corpora.Corpus
    last_path: str
    """Answers 200 to GET."""
    pid: int
    is_running: Callable[[], bool]
    trouble: Callable[[], Sequence[str]]
    """What is known by other ways than the answers."""
    grpc_address: str = ""
    """Of the door for gRPC, where there is one."""


@asynccontextmanager
async def gateway() -> AsyncIterator[Target]:
    """`modelwire gateway --descriptor-set` in front of the service of everything.proto."""
    service, log = Everything(), Log()
    every = service.descriptor.methods_by_name["Echo"].input_type
    with TemporaryDirectory() as folder, log.collecting() as stderr:
        descriptors = Path(folder) / "everything.binpb"
        descriptors.write_bytes(image())
        async with serving(service) as behind:
            options = ("--target", behind, "--descriptor-set", str(descriptors), *_CHOICES, *_DOORS)
            with running("gateway", *options, stderr=stderr) as program:
                yield Target(
                    "gateway",
                    program.http_address,
                    corpora.everything(every, httpbody_pb2.HttpBody.DESCRIPTOR),
                    "/v1/every/last",
                    program.process.pid,
                    lambda: program.process.poll() is None,
                    lambda: [*service.complaints, *log.unexpected],
                )


@asynccontextmanager
async def serve() -> AsyncIterator[Target]:
    """`modelwire serve` in front of an upstream that answers all it is asked."""
    log = Log()
    requests = {method.name: method.input_type for service in built_in_services() for method in service.methods}
    corpus = corpora.contract(requests["ChatCompletions"], requests["GenerateEmbeddings"], requests["GetModel"])
    async with ScriptedUpstream().listening() as upstream:
        upstream.answer = _willing(upstream)
        environment = {"OPENAI_BASE_URL": upstream.url, "OPENAI_API_KEY": corpora.SECRET}
        with log.collecting() as stderr:
            options = ("--grpc-address", "127.0.0.1:0", *_DOORS)
            with running("serve", *options, environment=environment, stderr=stderr) as program:
                yield Target(
                    "serve",
                    program.http_address,
                    corpus,
                    "/v1/models/scripted",
                    program.process.pid,
                    lambda: program.process.poll() is None,
                    lambda: log.unexpected,
                    program.grpc_address,
                )


TARGETS: Final[dict[str, Callable[[], AbstractAsyncContextManager[Target]]]] = {"gateway": gateway, "serve": serve}


def _willing(upstream: ScriptedUpstream) -> Callable[[web.Request, dict[str, Any]], Any]:
    """Answers as an OpenAI-compatible server does, in the form that the request asks for, and forgets the request."""
    events = answer_events(chunk("Hel"), chunk("lo.", finish="stop"), DONE)
    completion = answer_json(COMPLETION)

    async def answer(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        for seen in (upstream.seen, upstream.bodies, upstream.headers):
            seen.clear()
        if request.path.endswith("/embeddings"):
            return _embeddings(body["input"])
        with suppress(ConnectionError):
            return await (events if body.get("stream") else completion)(request, body)
        return web.Response()

    return answer


def _embeddings(given: Any) -> web.Response:
    inputs = given if isinstance(given, list) and not isinstance(given[0], int) else [given]
    data = [{"object": "embedding", "index": at, "embedding": [0.5, -1.0]} for at in range(len(inputs))]
    usage = {"prompt_tokens": 1, "total_tokens": 1}
    answer = {"object": "list", "data": data, "model": "scripted", "usage": usage}
    return web.Response(body=orjson.dumps(answer), content_type="application/json")
