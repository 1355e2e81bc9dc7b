"""What a server prints when it is up: its upstreams, the addresses really bound, and a call that works."""

import json
import shlex
from collections.abc import Sequence
from typing import Final, Protocol

from modelwire_service.upstream_settings import GEMINI_HOST, UpstreamSettings


class Door(Protocol):
    @property
    def address(self) -> str: ...


class HttpDoor(Door, Protocol):
    @property
    def scheme(self) -> str: ...


def banner(
    configured: Sequence[UpstreamSettings],
    grpc_door: Door | None,
    http_door: HttpDoor | None,
    path: str = "/v1/models",
    *,
    asks: bool = False,
) -> str:
    """The lines; `grpc  ADDRESS` and `http  ADDRESS` stand alone on theirs, for programs to read.

    `path` is what the call gets where no model is sure to be there; it brings a key if the server `asks` for one.
    """
    lines = [_upstream_line(settings) for settings in configured]
    if grpc_door is not None:
        lines.append(f"grpc  {grpc_door.address}")
    if http_door is not None:
        lines.append(f"http  {http_door.address}")
        credential = " -H 'Authorization: Bearer YOUR_KEY'" if asks else ""
        lines.append(f"try   {_curl(http_door, configured, path)}{credential}")
    return "\n".join(lines)


_WITHOUT_ADDRESS: Final = {"gemini": GEMINI_HOST, "embedded": "the small models in this process"}


def _upstream_line(settings: UpstreamSettings) -> str:
    where = settings.base_url or _WITHOUT_ADDRESS[settings.kind]
    return f"upstream  {settings.name}  {settings.kind}  {where}"


def _curl(door: HttpDoor, configured: Sequence[UpstreamSettings], path: str) -> str:
    """A curl command; a chat where a model is sure to be there, a GET of `path` otherwise."""
    address = door.address
    where = (
        "--unix-socket " + shlex.quote(address.removeprefix("unix:")) + f" {door.scheme}://localhost"
        if address.startswith("unix:")
        else f"{door.scheme}://{address}"
    )
    if not any(settings.kind == "embedded" for settings in configured):
        return f"curl {where}{path}"
    # Imported here: without embedded models nothing of theirs is loaded.
    from modelwire_service.upstreams.embedded.chat_worker import MODEL_ID

    body = {"model": MODEL_ID, "messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 32}
    return f"curl {where}/v1/chat/completions -H 'Content-Type: application/json' -d '{json.dumps(body)}'"
