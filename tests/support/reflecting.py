"""gRPC servers in threads of their own, and server reflection as various servers do it."""

from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any

import grpc
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest, ServerReflectionResponse


class ReflectionHandler(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Tells of all services in `image`, which may be replaced, or of those in `lists`.

    `whole` servers send a file with all its imports, others the file alone. `lacks` are files they do not have;
    `curt` servers tell so by the status of the call, others by an answer. `listings` gets the path of every call
    that asks for the list.
    """

    def __init__(
        self,
        image: bytes,
        *,
        versions: Collection[str] = ("v1", "v1alpha"),
        whole: bool = True,
        curt: bool = False,
        lacks: Collection[str] = (),
        lists: Collection[str] | None = None,
    ) -> None:
        self.image = image
        self.listings: SimpleQueue[str] = SimpleQueue()
        self._paths = [f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo" for version in versions]
        self._whole = whole
        self._curt = curt
        self._lacks = lacks
        self._lists = lists

    def service(self, details: Any) -> grpc.RpcMethodHandler | None:
        if details.method not in self._paths:
            return None

        def answers(requests: Iterator[bytes], context: Any) -> Iterator[bytes]:
            for request in map(ServerReflectionRequest.FromString, requests):
                if request.HasField("list_services"):
                    self.listings.put(details.method)
                answer = self._answer(request)
                if self._curt and answer.HasField("error_response"):
                    context.abort(grpc.StatusCode.NOT_FOUND, answer.error_response.error_message)
                yield answer.SerializeToString()

        return grpc.stream_stream_rpc_method_handler(answers)

    def _answer(self, request: ServerReflectionRequest) -> ServerReflectionResponse:
        files = {file.name: file for file in FileDescriptorSet.FromString(self.image).file}
        answer = ServerReflectionResponse(original_request=request)
        if request.HasField("list_services"):
            names = (name for file in files.values() for name in _services(file))
            for name in names if self._lists is None else self._lists:
                answer.list_services_response.service.add(name=name)
            return answer
        wanted = [file for file in files.values() if _is_wanted(file, request) and file.name not in self._lacks]
        if not wanted:
            answer.error_response.error_code = 5
            answer.error_response.error_message = "no such file"
        for file in (_with_imports(wanted[0], files) if self._whole else wanted) if wanted else ():
            if file.name not in self._lacks:
                answer.file_descriptor_response.file_descriptor_proto.append(file.SerializeToString())
        return answer


@contextmanager
def serving(*handlers: grpc.GenericRpcHandler, address: str = "127.0.0.1:0") -> Iterator[str]:
    """A server for `handlers` until the block ends; gives the address it has."""
    server = grpc.server(ThreadPoolExecutor(4), options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers(handlers)
    port = server.add_insecure_port(address)
    server.start()
    try:
        yield address if address.startswith("unix:") else f"127.0.0.1:{port}"
    finally:
        server.stop(0).wait()


def _services(file: FileDescriptorProto) -> list[str]:
    return [f"{file.package}.{service.name}" for service in file.service]


def _is_wanted(file: FileDescriptorProto, request: ServerReflectionRequest) -> bool:
    return file.name == request.file_by_filename or request.file_containing_symbol in _services(file)


def _with_imports(file: FileDescriptorProto, files: dict[str, FileDescriptorProto]) -> list[FileDescriptorProto]:
    """A file and all its imports, each once, the file first."""
    found = {file.name: file}
    for name in file.dependency:
        found |= {other.name: other for other in _with_imports(files[name], files) if other.name not in found}
    return list(found.values())
