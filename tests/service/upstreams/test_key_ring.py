"""Which key a request goes out with."""

from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest
from modelwire_service.access.caller import Caller
from modelwire_service.call_record import CallRecord, begin
from modelwire_service.errors import KeysLimited, UpstreamRefused
from modelwire_service.upstreams.errors import refusal_in, refusal_of
from modelwire_service.upstreams.gemini.adapter import GeminiUpstream
from modelwire_service.upstreams.http.base import Timeouts
from modelwire_service.upstreams.http.httpx_client import HttpxClient
from modelwire_service.upstreams.json_server import JsonServer
from modelwire_service.upstreams.key_ring import (
    LIMITED_REST_SECONDS,
    REFUSED_REST_SECONDS,
    KeyRing,
    Keys,
    PassedThrough,
    keys_of,
)
from modelwire_service.upstreams.openai.adapter import OpenAIUpstream
from support.clock import Clock


def refusal(status: int, wait: float | None = None) -> UpstreamRefused:
    return UpstreamRefused("no", http_status=status, retry_after=wait)


def taken(ring: KeyRing, times: int, scope: str = "m") -> str:
    return "".join(str(ring.key(scope)) for _ in range(times))


def test_keys_take_turns_whatever_they_are_for() -> None:
    ring = KeyRing(["a", "b", "c", "a"])
    assert ring.secrets == ("a", "b", "c")
    assert [ring.key(scope) for scope in "xyxyx"] == list("abcab")


@pytest.mark.parametrize(
    ("status", "wait", "seconds"),
    [
        (429, 3.0, 3.0),
        (429, None, LIMITED_REST_SECONDS),
        (401, None, REFUSED_REST_SECONDS),
        (403, 3.0, REFUSED_REST_SECONDS),
    ],
)
def test_a_key_that_was_turned_away_rests_for_that_model(status: int, wait: float | None, seconds: float) -> None:
    clock = Clock(100.0)
    ring = KeyRing(["a", "b"], clock)
    assert ring.note("a", "m", refusal(status, wait)) == (status == 429)
    assert (taken(ring, 3), taken(ring, 2, "other")) == ("bbb", "ab")
    clock.now += seconds
    assert set(taken(ring, 2)) == {"a", "b"}


@pytest.mark.parametrize("status", [400, 404, 500, 503])
def test_other_failures_are_not_the_keys(status: int) -> None:
    ring = KeyRing(["a", "b"], Clock(100.0))
    assert not ring.note("a", "m", refusal(status))
    assert taken(ring, 2) == "ab"


@pytest.mark.parametrize("status", [401, 403, 429])
def test_a_key_alone_never_rests(status: int) -> None:
    ring, told = KeyRing(["a"], Clock(100.0)), refusal(status, 9.0)
    assert not ring.note("a", "m", told)
    assert (ring.key("m"), told.retry_after) == ("a", 9.0)


def test_where_all_rest_the_shortest_wait_is_told() -> None:
    clock = Clock(100.0)
    ring = KeyRing(["a", "b"], clock)
    last = refusal(429, 7.0)
    assert ring.note("a", "m", refusal(429, 9.0))
    assert not ring.note("b", "m", last)
    assert last.retry_after == 7.0
    clock.now += 2.0
    with pytest.raises(KeysLimited) as raised:
        ring.key("m")
    assert (raised.value.http_status, raised.value.retry_after) == (429, 5.0)


def test_keys_that_are_all_refused_go_on_being_told_so() -> None:
    ring = KeyRing(["a", "b"], Clock(100.0))
    for key in "abb":
        assert not ring.note(key, "m", refusal(403))
    assert taken(ring, 2) == "bb"


def test_rests_that_are_over_take_no_room() -> None:
    clock = Clock(100.0)
    ring = KeyRing(["a", "b"], clock)
    for number in range(100):
        ring.note("a", f"model {number}", refusal(429, 1.0))
        clock.now += 1.0
    assert len(ring._rests) == 1


@pytest.mark.parametrize("given", [None, ""])
def test_no_key_is_none(given: str | None) -> None:
    assert keys_of(given).key("m") is None


class Sent:
    """Answers with the statuses of a script, and notes the keys that requests had."""

    def __init__(self, *statuses: int, wait: str = "9") -> None:
        self.keys: list[str | None] = []
        self._statuses = list(statuses)
        self._wait = wait

    def __call__(self, request: httpx.Request) -> httpx.Response:
        key = request.headers.get("x-key") or request.headers.get("x-goog-api-key")
        self.keys.append(key or request.headers.get("authorization"))
        status = self._statuses.pop(0) if self._statuses else 200
        body: dict[str, Any] = {"data": []} if status == 200 else {"error": {"message": f"not with {self.keys[-1]}"}}
        return httpx.Response(status, json=body, headers={"retry-after": self._wait})

    @property
    def client(self) -> HttpxClient:
        return HttpxClient(Timeouts(), httpx.MockTransport(self))

    def server(self, keys: Keys) -> JsonServer:
        def key_headers(key: str) -> Mapping[str, str]:
            return {"x-key": key}

        def told_in(answer: Any, _: Any, redactor: Any) -> UpstreamRefused | None:
            return refusal_in(answer, redactor)

        return JsonServer(
            "http://up.example/v1",
            self.client,
            keys=keys,
            key_headers=key_headers,
            refusal_of=refusal_of,
            refusal_in=told_in,
        )


SENT: dict[str, tuple[list[int], list[str], int]] = {
    "the next at once": ([429], ["key-a", "key-b"], 200),
    "each at most once": ([429, 429, 429, 429], ["key-a", "key-b", "key-c"], 429),
    "until one is refused otherwise": ([429, 400], ["key-a", "key-b"], 400),
    "no other for a refused key": ([401], ["key-a"], 401),
    "no other for a failure": ([503], ["key-a"], 503),
}


@pytest.mark.parametrize("wait", ["9", "0"])
@pytest.mark.parametrize("case", SENT)
async def test_a_request_is_sent_with(case: str, wait: str) -> None:
    statuses, keys, end = SENT[case]
    sent = Sent(*statuses, wait=wait)
    server = sent.server(KeyRing(["key-a", "key-b", "key-c"]))
    if end == 200:
        await server.call("POST", "chat", {"model": "m"})
    else:
        with pytest.raises(UpstreamRefused) as raised:
            await server.call("POST", "chat", {"model": "m"})
        assert raised.value.http_status == end
        assert "key-" not in raised.value.message
    assert sent.keys == keys


@pytest.mark.parametrize(
    ("path", "request_of"),
    [("chat", lambda model: {"model": model}), ("{}:generate", lambda model: {"contents": []})],
    ids=["named in the request", "named in the path"],
)
async def test_a_limit_is_that_of_the_model(path: str, request_of: Callable[[str], Any]) -> None:
    sent = Sent(429)
    server = sent.server(KeyRing(["key-a", "key-b"]))
    for model in ("models/x", "models/x", "models/y"):
        await server.call("POST", path.format(model), request_of(model))
    assert sent.keys == ["key-a", "key-b", "key-b", "key-a"]


def openai_of(sent: Sent, keys: Keys) -> OpenAIUpstream:
    return OpenAIUpstream("o", base_url="http://up.example/v1", api_key=keys, client=sent.client)


def gemini_of(sent: Sent, keys: Keys) -> GeminiUpstream:
    return GeminiUpstream("g", base_url="http://up.example", api_key=keys, client=sent.client)


@pytest.mark.parametrize(("upstream_of", "form"), [(openai_of, "Bearer {}"), (gemini_of, "{}")])
async def test_a_callers_key_goes_with_that_callers_calls_alone(
    upstream_of: Callable[[Sent, Keys], OpenAIUpstream | GeminiUpstream], form: str
) -> None:
    sent = Sent(200, 200, 400)
    upstream = upstream_of(sent, PassedThrough())
    for credential in ("planted-one-1234", "planted-two-1234"):
        begin(CallRecord("id", "rpc", Caller(credential=credential)))
        await upstream.list_models()
    assert sent.keys == [form.format("planted-one-1234"), form.format("planted-two-1234")]
    with pytest.raises(UpstreamRefused) as raised:
        await upstream.list_models()
    assert "planted" not in raised.value.message
    assert raised.value.message.startswith("not with")
    begin(CallRecord("id", "rpc"))
    await upstream.list_models()
    assert sent.keys[-1] is None
