"""The service of library.proto, whose answers are the same bytes each time: `answering.py IMAGE grpc|http [ADDRESS]`.

`grpc` serves it on a free port, which it prints; `http ADDRESS` serves REST for it from this same process.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
import uvloop
from google.protobuf import message_factory
from google.protobuf.descriptor import ServiceDescriptor
from modelwire_gateway import HttpServer, LocalBackend, Transcoder, services_in_image

BOOKS = 1080


def book(number: int) -> dict[str, Any]:
    return {
        "name": f"shelves/philosophy/books/{number}",
        "title": "The Praise of Folly",
        "authors": ["Desiderius Erasmus", "Hendrik Willem van Loon"],
        "pages": 240 + number,
        "rating": 4.25,
        "in_print": True,
        "labels": {"language": "en", "binding": "cloth"},
        "published": {"seconds": 1_700_000_000 + number},
        "summary": "Folly speaks, and “praises” herself: a sermon, a joke\nand a quarrel with theologians. " * 2,
    }


class Answers(grpc.GenericRpcHandler):  # type: ignore[misc]
    """A handler for each method, which answers what was made when it started."""

    def __init__(self, service: ServiceDescriptor) -> None:
        values = {"GetBook": book(1), "CreateBook": book(2), "ListBooks": {"books": [book(at) for at in range(BOOKS)]}}
        self._handlers = {
            f"/{service.full_name}/{method.name}": grpc.unary_unary_rpc_method_handler(
                _answering(message_factory.GetMessageClass(method.output_type)(**values[method.name]))
            )
            for method in service.methods
        }

    def service(self, details: Any) -> grpc.RpcMethodHandler | None:
        return self._handlers.get(details.method)


def _answering(message: Any) -> Callable[[bytes, Any], Awaitable[bytes]]:
    wire: bytes = message.SerializeToString()

    async def answer(_: bytes, __: Any) -> bytes:
        return wire

    return answer


async def serve_grpc(answers: Answers) -> None:
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers((answers,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"127.0.0.1:{port}", flush=True)
    await server.wait_for_termination()


async def serve_http(answers: Answers, service: ServiceDescriptor, address: str) -> None:
    server = HttpServer(Transcoder([service], LocalBackend([answers])), address)
    await server.start()
    print(server.address, flush=True)
    await asyncio.Event().wait()


def main() -> None:
    image, door, *address = sys.argv[1:]
    (service,) = services_in_image(Path(image).read_bytes())
    answers = Answers(service)
    uvloop.run(serve_grpc(answers) if door == "grpc" else serve_http(answers, service, *address))


if __name__ == "__main__":
    main()
