"""What a server tells of its services by gRPC server reflection.

grpc.reflection.v1 and its forerunner v1alpha differ in their names alone, not in a byte of their messages
(grpc/reflection/v1/reflection.proto). A server is asked which services there are, then for the file that declares
each, then for each import that has not come along: some servers send a file with all its imports, others the file
alone. The method takes a stream of questions; each is asked in a call of its own, so that a server that refuses the
call is heard: a refusal that comes while a stream is being written can reach grpc.aio as an internal error.

The outcome is the same to the byte as long as the server tells the same, so that a change is seen by comparing.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import DecodeError
from grpc_reflection.v1alpha import reflection_pb2

from modelwire_gateway.backends.base import Rpc
from modelwire_gateway.backends.remote import MAX_REFLECTED_BYTES, REFLECTION_SERVICES, RemoteBackend
from modelwire_gateway.backends.status import ANSWER_TOO_LARGE
from modelwire_gateway.errors import RpcFailure, status_row
from modelwire_gateway.sources.descriptors import services_in_image
from modelwire_gateway.sources.foreign_text import on_one_line
from modelwire_gateway.sources.reflected_files import MAX_FILES, ReflectedFiles, TooManyFilesError

_PATHS: Final = tuple(f"/{service}/ServerReflectionInfo" for service in REFLECTION_SERVICES)
_METHOD: Final = reflection_pb2.DESCRIPTOR.services_by_name["ServerReflection"].methods[0]
_SECONDS: Final = 10.0
_MAX_SERVICES: Final = 10_000
_TOO_LARGE: Final = f"the target's descriptors are larger than {MAX_REFLECTED_BYTES} bytes"
_NOT_THERE: Final = frozenset({"UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED"})
_OPERATIONAL: Final = ("grpc.reflection.", "grpc.health.")
"""Packages of services that are never annotated."""

_Request: Final = reflection_pb2.ServerReflectionRequest
_Response: Final = reflection_pb2.ServerReflectionResponse


class ReflectionError(Exception):
    """The target does not tell of its services; the message says why, in one line, whatever the target says."""

    def __init__(self, message: str) -> None:
        super().__init__(on_one_line(message))


class UnreachableError(ReflectionError):
    """The target does not answer; it may later."""


class SlowError(UnreachableError):
    """The target does not answer in the time that it is given."""


@dataclass(frozen=True, slots=True)
class Reflected:
    """What a server tells of itself at one time."""

    image: bytes
    """A serialized google.protobuf.FileDescriptorSet with all imports, of the services that the server serves."""
    undescribed: tuple[str, ...]
    """The services that it lists, but has no descriptors of."""


class Reflection:
    """Asks the server behind `backend`, for `seconds` at most, in the version of the protocol that it last spoke."""

    def __init__(self, backend: RemoteBackend, seconds: float = _SECONDS) -> None:
        self._backend = backend
        self._seconds = seconds
        self._paths = list(_PATHS)

    async def ask(self) -> Reflected:
        """Takes 64 MiB of descriptors at most, 10,000 services and 10,000 files.

        Raises UnreachableError where the server does not answer, else ReflectionError where it does not tell, and
        DescriptorError where it sends names that are no text.
        """
        try:
            async with asyncio.timeout(self._seconds):
                return await self._ask()
        except TimeoutError:
            raise SlowError(f"the target takes more than {self._seconds:g} s to tell of its services") from None

    async def _ask(self) -> Reflected:
        for path in tuple(self._paths):
            try:
                reflected = await _Inquiry(self._backend, path).reflected()
            except RpcFailure as error:
                _raise_unless_unimplemented(error)
            except TooManyFilesError:
                raise ReflectionError(f"the target's services need more than {MAX_FILES} files") from None
            else:
                self._paths.sort(key=lambda other: other != path)
                return reflected
        raise ReflectionError("the target has no server reflection; give --descriptor-set FILE")


async def reflected_image(target: str, credentials: grpc.ChannelCredentials | None = None) -> bytes:
    """A serialized google.protobuf.FileDescriptorSet of the services that the server at `target` serves.

    `target` is "host:port" or "unix:/path", called in plain text if there are no `credentials`. Raises ReflectionError,
    of which UnreachableError is one.
    """
    backend = RemoteBackend(target, credentials=credentials)
    try:
        return (await Reflection(backend).ask()).image
    finally:
        await backend.close()


async def reflected_services(target: str) -> tuple[ServiceDescriptor, ...]:
    """The services that the server at `target` serves; raises ReflectionError and DescriptorError."""
    return services_in_image(await reflected_image(target))


class _Question(Rpc):
    """A call with one message; on the wire it is a stream of one."""

    @property
    def client_streaming(self) -> bool:
        return False


class _Inquiry:
    """One round of questions to a server that may speak the version at `path`."""

    def __init__(self, backend: RemoteBackend, path: str) -> None:
        self._backend = backend
        self._rpc = _Question(path, _METHOD)
        self._files = ReflectedFiles()
        self._bytes = 0

    async def reflected(self) -> Reflected:
        listed = await self._listed()
        undescribed = [name for name in listed if not await self._describe(name)]
        while missing := self._files.missing():
            await self._import(missing)
        return Reflected(self._files.image(frozenset(listed)), tuple(undescribed))

    async def _listed(self) -> tuple[str, ...]:
        answer = await self._answer(_Request(list_services="*"))
        if not answer.HasField("list_services_response"):
            told = answer.error_response.error_message or "it answers something else"
            raise ReflectionError(f"the target does not list its services: {told}")
        services = answer.list_services_response.service
        if len(services) > _MAX_SERVICES:
            raise ReflectionError(f"the target lists more than {_MAX_SERVICES} services")
        names = sorted({service.name for service in services})
        return tuple(name for name in names if not name.startswith(_OPERATIONAL))

    async def _describe(self, service: str) -> bool:
        """Fetches the file of a service; False if the server has none."""
        if not self._files.declare(service):
            await self._fetch(_Request(file_containing_symbol=service))
        return self._files.declare(service)

    async def _import(self, names: Sequence[str]) -> None:
        for name in names:
            if name not in self._files:  # it may have come along with another
                await self._fetch(_Request(file_by_filename=name))
        self._files.do_without(names)

    async def _fetch(self, question: Any) -> None:
        """Takes the files of the answer; none where the server says, as an answer or as a status, that it has none."""
        try:
            answer = await self._answer(question)
        except RpcFailure as error:
            if status_row(error.status.code).name != "NOT_FOUND":
                raise
            return
        try:
            for data in answer.file_descriptor_response.file_descriptor_proto:
                self._files.add(data)
        except DecodeError:
            raise ReflectionError("the target sends a file that is no FileDescriptorProto") from None

    async def _answer(self, question: Any) -> Any:
        answer = await self._call(question.SerializeToString())
        if answer is None:
            raise ReflectionError("the target ends server reflection without an answer")
        self._bytes += len(answer)
        if self._bytes > MAX_REFLECTED_BYTES:
            raise ReflectionError(_TOO_LARGE)
        try:
            return _Response.FromString(answer)
        except DecodeError:
            raise ReflectionError("the target's answer is no ServerReflectionResponse") from None

    async def _call(self, question: bytes) -> bytes | None:
        call = self._backend.call(self._rpc, question, metadata=(), timeout=None)
        try:
            answer = await anext(call, None)
            # To its end: a call that is cancelled is an error in many a server's log.
            await anext(call, None)
            return answer
        finally:
            await call.aclose()


def _raise_unless_unimplemented(error: RpcFailure) -> None:
    status = status_row(error.status.code).name
    if status in _NOT_THERE:
        raise UnreachableError(f"the target does not answer: {error.status.message}") from None
    if error.status.message == ANSWER_TOO_LARGE:
        raise ReflectionError(_TOO_LARGE) from None
    if status != "UNIMPLEMENTED":
        raise ReflectionError(f"the target refuses server reflection: {status}: {error.status.message}") from None
