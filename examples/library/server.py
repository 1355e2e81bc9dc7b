"""A gRPC server of library.proto with server reflection, which is all that `modelwire gateway` asks of it."""

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any

import grpc
from google.api import httpbody_pb2
from google.protobuf import empty_pb2
from grpc_reflection.v1alpha import reflection

protos, services = grpc.protos_and_services("library.proto")


class Library(services.LibraryServicer):
    def __init__(self) -> None:
        self._books: dict[str, Any] = {}

    async def GetBook(self, request: Any, context: Any) -> Any:
        if request.name not in self._books:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"there is no {request.name}")
        return self._books[request.name]

    async def ListBooks(self, request: Any, context: Any) -> AsyncIterator[Any]:
        for book in self._books.values():
            if book.name.startswith(request.shelf) and book.pages >= request.min_pages:
                yield book

    async def PutBook(self, request: Any, context: Any) -> Any:
        self._books[request.book.name] = request.book
        return request.book

    async def ImportBooks(self, requests: AsyncIterator[Any], context: Any) -> Any:
        count = 0
        async for book in requests:
            self._books[book.name] = book
            count += 1
        return protos.ImportBooksResponse(count=count)

    async def DeleteBook(self, request: Any, context: Any) -> Any:
        self._books.pop((await self.GetBook(request, context)).name)
        return empty_pb2.Empty()

    async def PrintBook(self, request: Any, context: Any) -> Any:
        book = await self.GetBook(request, context)
        return httpbody_pb2.HttpBody(content_type="text/plain", data=f"{book.title}\n".encode())


async def serve(address: str) -> None:
    server = grpc.aio.server()
    services.add_LibraryServicer_to_server(Library(), server)
    names = [service.full_name for service in protos.DESCRIPTOR.services_by_name.values()]
    reflection.enable_server_reflection([*names, reflection.SERVICE_NAME], server)
    port = server.add_insecure_port(address)
    await server.start()
    print(f"grpc  {address.rpartition(':')[0]}:{port}", flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:50052"))
