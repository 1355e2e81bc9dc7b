"""Which pages of other origins may call, as a browser would find out."""

import subprocess
import sys

import pytest
from modelwire_gateway.exchange import BrokenAnswerError, Receive, Scope, Send
from modelwire_gateway.middleware.cors import CorsPolicy, with_cors
from support.asgi_apps import echo
from support.asgi_calls import AsgiCall

HERE, THERE = "https://here.example", "https://there.example"
POLICY = CorsPolicy(origins=(HERE, "http://localhost:3000"), max_age_seconds=60, exposed_headers=("x-request-id", "a"))
OPEN = CorsPolicy(origins=("*",))


async def called(policy: CorsPolicy, method: str, origin: str | None, **headers: str) -> AsgiCall:
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    origins = [] if origin is None else [("origin", origin)]
    return await AsgiCall(method, "/", headers=[*origins, *named]).run(with_cors(echo, policy))


async def preflight(policy: CorsPolicy, origin: str, method: str, asked_headers: str = "content-type") -> AsgiCall:
    asked = {"access_control_request_method": method, "access_control_request_headers": asked_headers}
    return await called(policy, "OPTIONS", origin, **asked)


@pytest.mark.parametrize("origin", [HERE, "http://localhost:3000"])
async def test_a_page_of_a_named_origin_may_read_the_answer(origin: str) -> None:
    call = await called(POLICY, "POST", origin)
    assert call.status == 200
    assert call.headers["access-control-allow-origin"] == origin
    assert call.headers["access-control-expose-headers"] == "x-request-id, a"
    assert call.headers["vary"] == "Origin"
    assert "access-control-allow-credentials" not in call.headers


@pytest.mark.parametrize(
    "origin", [None, THERE, "null", "https://here.example:444", "http://here.example", "https://here.example.evil"]
)
async def test_no_other_page_may(origin: str | None) -> None:
    call = await called(POLICY, "POST", origin)
    assert "access-control-allow-origin" not in call.headers
    assert call.headers["vary"] == "Origin"


@pytest.mark.parametrize("origin", [HERE, THERE, "null"])
async def test_every_page_may_where_every_origin_is_named(origin: str) -> None:
    assert (await called(OPEN, "GET", origin)).headers["access-control-allow-origin"] == "*"
    assert (await preflight(OPEN, origin, "POST")).headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
async def test_a_preflight_is_answered_here(method: str) -> None:
    call = await preflight(POLICY, HERE, method, "authorization,content-type,x-stainless-os,grpc-metadata-a")
    assert call.status == 200
    assert call.headers["access-control-allow-origin"] == HERE
    assert method in call.headers["access-control-allow-methods"].split(", ")
    allowed = call.headers["access-control-allow-headers"]
    assert allowed == "authorization,content-type,x-stainless-os,grpc-metadata-a"
    assert call.headers["access-control-max-age"] == "60"
    assert "Origin" in call.headers["vary"].split(", ")
    assert b"method" not in call.body  # which the app behind it would tell


async def test_a_preflight_from_elsewhere_is_refused() -> None:
    call = await preflight(POLICY, THERE, "POST")
    assert call.status == 400
    assert "access-control-allow-origin" not in call.headers


@pytest.mark.parametrize("headers", [{}, {"access_control_request_headers": "a"}])
async def test_options_that_is_no_preflight_reaches_the_app(headers: dict[str, str]) -> None:
    call = await called(POLICY, "OPTIONS", HERE, **headers)
    assert b'"method":"OPTIONS"' in call.body
    assert call.headers["access-control-allow-origin"] == HERE


async def test_a_preflight_needs_an_origin() -> None:
    call = await called(POLICY, "OPTIONS", None, access_control_request_method="POST")
    assert b'"method":"OPTIONS"' in call.body


async def test_credentials_where_they_are_allowed() -> None:
    policy = CorsPolicy(origins=(HERE,), credentials=True)
    for call in (await called(policy, "GET", HERE), await preflight(policy, HERE, "POST")):
        assert call.headers["access-control-allow-origin"] == HERE
        assert call.headers["access-control-allow-credentials"] == "true"


async def test_a_stream_passes_piece_by_piece_and_breaks_off_as_it_does() -> None:
    async def app(_: Scope, __: Receive, send: Send) -> None:
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
        raise BrokenAnswerError

    call = AsgiCall("GET", "/", headers=[("origin", HERE)])
    with pytest.raises(BrokenAnswerError):
        await call.run(with_cors(app, POLICY))
    assert call.headers["access-control-allow-origin"] == HERE
    assert [message.get("body") for message in call.sent] == [None, b"data: 1\n\n"]


def test_who_has_no_use_for_it_does_not_load_what_it_takes() -> None:
    loaded = "import sys, modelwire_gateway.http_server; print([name for name in sys.modules if 'starlette' in name])"
    assert subprocess.check_output([sys.executable, "-c", loaded], text=True).strip() == "[]"
