"""What a service in this process gives as JSON is what callers would get of the same message in wire form."""

from typing import Any, NoReturn

import pytest
from google.protobuf.descriptor import ServiceDescriptor
from modelwire_gateway.app import Transcoder
from modelwire_gateway.backends.base import JsonResponse
from modelwire_gateway.backends.local import LocalBackend
from modelwire_gateway.json_codec import MessageCodec
from modelwire_gateway.options import GatewayOptions, JsonOptions
from support.fronted import answer, get
from support.scripted_service import ScriptedService

MESSAGE = {
    "name": "é",
    "nums": [1, -2],
    "sizes": {"a": 2},
    "child": {},
    "big": "7",
    "raw": {"contentType": "a/b", "data": "eA=="},
    "maybe": False,
}
OPTIONS = [
    JsonOptions(),
    JsonOptions(print_zero_values=True),
    JsonOptions(proto_field_names=True),
    JsonOptions(unknown_fields="ignore"),
]
PATHS = ["/unary", "/unary?prettyPrint=true", "/field/name", "/field/sizes", "/field/child", "/field/raw", "/raw"]


def never(_: Any) -> NoReturn:
    raise AssertionError("nobody asked for the wire form")


def giving(services: tuple[ServiceDescriptor, ...], response: Any, options: JsonOptions) -> Transcoder:
    service = ScriptedService(services, Unary=answer(response), Raw=answer(response))
    return Transcoder(services, LocalBackend([service]), GatewayOptions(json=options))


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("path", PATHS)
async def test_the_same_answer_either_way(
    path: str, options: JsonOptions, services: tuple[ServiceDescriptor, ...]
) -> None:
    rpc = services[0].methods_by_name["Raw" if path == "/raw" else "Unary"]
    message = MESSAGE["raw"] if path == "/raw" else MESSAGE
    write = MessageCodec.of(rpc.output_type).encode
    calls = [
        await get(giving(services, response, options), path)
        for response in (write(message), JsonResponse(message, write))
    ]
    assert [call.status for call in calls] == [200, 200]
    assert calls[0].body == calls[1].body
    assert calls[0].headers["content-type"] == calls[1].headers["content-type"]


async def test_the_wire_form_is_not_made_for_nothing(services: tuple[ServiceDescriptor, ...]) -> None:
    call = await get(giving(services, JsonResponse({"name": "1"}, never), JsonOptions()), "/unary")
    assert call.body == b'{"name":"1"}'
