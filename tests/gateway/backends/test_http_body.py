"""google.api.HttpBody as a service in this process hands it on."""

import pytest
from google.api import httpbody_pb2
from modelwire_gateway.backends.http_body import HttpBody


@pytest.mark.parametrize("data", [b"", b"x", b"x" * 127, b"x" * 128, b"\x00\xff" * 5000])
@pytest.mark.parametrize("content_type", ["", "application/json", "text/plain; charset=\u00e9", "a/" + "b" * 200])
def test_it_is_its_wire_form_and_tells_what_it_holds(content_type: str, data: bytes) -> None:
    body = HttpBody(content_type, data)
    assert body == httpbody_pb2.HttpBody(content_type=content_type, data=data).SerializeToString()
    assert (body.content_type, body.data) == (content_type, data)
