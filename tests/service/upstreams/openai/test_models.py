"""The models an OpenAI-compatible server lists."""

import httpx
import pytest
from modelwire_service.errors import ServiceError, UpstreamProtocolError, UpstreamRefused
from support.openai_upstream import (
    always,
)


async def test_models_are_listed_whatever_they_leave_out() -> None:
    listed = [
        {"id": "a", "object": "model", "created": 17, "owned_by": "x"},
        {"id": "b", "created": "18"},
        {"id": "c", "created": 19.0, "owned_by": None},
        {"id": "d", "created": "yesterday"},
        {"id": "e", "created": -1},
        {"id": "g", "created": 9223372036854775807},
        {"id": "h", "created": 9223372036854775808},
        {"id": "i", "created": "9999999999999999999"},
        {"id": "j", "created": 1e300},
        {"id": "k", "created": True},
        {"id": 5},
        {"id": ""},
        {"id": True},
        {"created": 1},
        "f",
    ]
    models = await always(lambda: httpx.Response(200, json={"data": listed})).list_models()
    assert [(model.id, model.created, model.owned_by) for model in models] == [
        ("a", 17, "x"),
        ("b", 18, ""),
        ("c", 19, ""),
        ("d", 0, ""),
        ("e", 0, ""),
        ("g", 9223372036854775807, ""),
        ("h", 0, ""),
        ("i", 0, ""),
        ("j", 0, ""),
        ("k", 0, ""),
        ("5", 0, ""),
    ]


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (httpx.Response(200, json={"data": None}), UpstreamProtocolError),
        (httpx.Response(200, json=[]), UpstreamProtocolError),
        (httpx.Response(401, json={"error": {"message": "bad key"}}), UpstreamRefused),
    ],
)
async def test_a_list_of_models_that_is_none_is_an_error(response: httpx.Response, kind: type[ServiceError]) -> None:
    with pytest.raises(kind):
        await always(lambda: response).list_models()
