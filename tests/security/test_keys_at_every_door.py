"""Who has which key is let in, or is told why not, in the same words at every door."""

from collections.abc import Callable
from typing import Any

import grpc
import httpx
import openai
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from modelwire.v1beta import models_pb2
from support.callers import DOORS, Asked, Kind
from support.guarded import UPSTREAM_KEY, Guarded, Keys, bearer

pytestmark = pytest.mark.asyncio(loop_scope="session")

UNKNOWN = "mw-aaaaaaaaaa-" + "A" * 43
CHAT = {"model": "cheap-1", "messages": [{"role": "user", "content": "Hi"}]}
REST = DOORS[1:]
KINDS: tuple[Kind, ...] = ("unary", "stream", "embeddings")
GEMINIS_CHAT = "/v1beta/openai/chat/completions"

Form = Callable[[str], dict[str, str]]
FORMS: dict[str, Form] = {
    "bearer": bearer,
    "bearer in capitals": lambda key: {"authorization": f"BEARER {key}"},
    "x-goog-api-key": lambda key: {"x-goog-api-key": key},
}


def altered(key: str) -> str:
    """With another last character but one; the last has bits that no byte of the secret has."""
    return f"{key[:-2]}{'A' if key[-2] != 'A' else 'B'}{key[-1]}"


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("form", FORMS)
async def test_a_valid_key_is_let_in(door: str, form: str, asking: Guarded, keys: Keys) -> None:
    for kind in KINDS:
        got = await asking.got(door, FORMS[form](keys.full), Asked(kind, "cheap-1"))
        assert (got.done, got.failure) == (True, None)
    for headers in asking.upstream.headers:
        assert headers["Authorization"] == f"Bearer {UPSTREAM_KEY}"
        assert keys.full not in str(headers)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("what", "form", "says"),
    [
        ("unknown", "bearer", "the API key is not valid"),
        ("altered", "x-goog-api-key", "the API key is not valid"),
        ("another key's id", "bearer", "the API key is not valid"),
        ("no key at all", "bearer in capitals", "the API key is not valid"),
        ("expired", "x-goog-api-key", "expired on 2026-01-01"),
        ("revoked", "bearer", "was revoked"),
    ],
)
async def test_any_other_key_is_refused(
    door: str, what: str, form: str, says: str, asking: Guarded, keys: Keys
) -> None:
    key = {
        "unknown": UNKNOWN,
        "altered": altered(keys.full),
        "another key's id": keys.cheap[:14] + keys.full[14:],
        "no key at all": "sk-something-else",
        "expired": keys.expired,
        "revoked": keys.revoked,
    }[what]
    failure = (await asking.got(door, FORMS[form](key))).failure
    assert failure is not None
    assert (failure.code, failure.reason) == ("UNAUTHENTICATED", "API_KEY_INVALID")
    assert says in failure.message
    assert key[14:] not in failure.message
    assert not asking.upstream.seen


@pytest.mark.parametrize("door", DOORS)
async def test_who_brings_no_key_is_told_how_to(door: str, asking: Guarded) -> None:
    given = ("authorization", ""), ("authorization", "Bearer"), ("x-goog-api-key", ""), ("x-api-key", "mw")
    for headers in ({}, *({name: value} for name, value in given)):
        failure = (await asking.got(door, headers)).failure
        assert failure is not None
        assert failure.code == "UNAUTHENTICATED"
        assert "`Authorization: Bearer KEY`" in failure.message


@pytest.mark.parametrize("door", REST)
@pytest.mark.parametrize("key", [None, UNKNOWN])
async def test_over_http_that_is_a_401_as_openai_has_it(door: str, key: str | None, asking: Guarded) -> None:
    async with httpx.AsyncClient(headers=bearer(key) if key else {}) as http:
        answer = await http.post(f"{asking.url(door)}/v1/chat/completions", json=CHAT)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    error = answer.json()["error"]
    assert (error["code"], error["status"], error["type"]) == (401, "UNAUTHENTICATED", "authentication_error")
    assert (answer.headers["content-type"], bool(answer.headers["x-request-id"])) == ("application/json", True)


@pytest.mark.parametrize("door", REST)
async def test_openais_library_knows_a_refused_key_and_a_refused_model(door: str, asking: Guarded, keys: Keys) -> None:
    def client(key: str) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(base_url=f"{asking.url(door)}/v1", api_key=key, max_retries=0)

    async with client(keys.cheap) as cheap, client(UNKNOWN) as unknown:
        answer = await cheap.chat.completions.create(model="cheap-1", messages=[{"role": "user", "content": "Hi"}])
        assert answer.choices[0].message.content == "Hello."
        with pytest.raises(openai.AuthenticationError):
            await unknown.models.list()
        with pytest.raises(openai.PermissionDeniedError):
            await cheap.chat.completions.create(model="dear-1", messages=[{"role": "user", "content": "Hi"}])


@pytest.mark.parametrize("door", REST)
@pytest.mark.parametrize("by", ["header", "query", "query, with a dollar"])
async def test_a_key_comes_as_clients_of_gemini_send_it(door: str, by: str, asking: Guarded, keys: Keys) -> None:
    def sent(key: str) -> dict[str, Any]:
        name = "$key" if "dollar" in by else "key"
        return {"headers": {"x-goog-api-key": key}} if by == "header" else {"params": {name: key}}

    async with httpx.AsyncClient(base_url=asking.url(door)) as http:
        answers = [await http.post(GEMINIS_CHAT, json=CHAT, **sent(key)) for key in (keys.full, UNKNOWN)]
        listed = await http.get("/v1beta/openai/models", **sent(keys.cheap))
    assert [answer.status_code for answer in answers] == [200, 401]
    assert [model["id"] for model in listed.json()["data"]] == ["cheap-1"]
    assert UNKNOWN[14:] not in answers[1].text


SEVERAL: dict[str, tuple[list[tuple[str, str]], str]] = {
    "both headers": ([("authorization", "Bearer {}"), ("x-goog-api-key", "{}")], ""),
    "authorization twice": ([("authorization", "Bearer {}"), ("authorization", "Bearer {}")], ""),
    "x-goog-api-key twice": ([("x-goog-api-key", "{}"), ("x-goog-api-key", "{}")], ""),
    "one good, one bad": ([("authorization", "Bearer {}"), ("x-goog-api-key", UNKNOWN)], ""),
    "one good, one empty": ([("authorization", "Bearer {}"), ("x-goog-api-key", "")], ""),
    "authorization and query": ([("authorization", "Bearer {}")], "?key={}"),
    "x-goog-api-key and query": ([("x-goog-api-key", "{}")], "?key={}"),
    "query twice": ([], "?key={}&key={}"),
    "query under both names": ([], "?key={}&$key={}"),
    "by another name of the header": ([("authorization", "Bearer {}"), ("grpc-metadata-x-goog-api-key", "{}")], ""),
}


@pytest.mark.parametrize("door", REST)
@pytest.mark.parametrize("name", SEVERAL)
async def test_several_credentials_are_a_400_over_http(door: str, name: str, asking: Guarded, keys: Keys) -> None:
    headers, query = SEVERAL[name]
    sent = [(header, value.replace("{}", keys.full)) for header, value in headers]
    async with httpx.AsyncClient(base_url=asking.url(door)) as http:
        answer = await http.post(f"/v1/chat/completions{query.replace('{}', keys.full)}", json=CHAT, headers=sent)
    assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert keys.full not in answer.text
    assert not asking.upstream.seen


@pytest.mark.parametrize("name", [name for name, (headers, query) in SEVERAL.items() if len(headers) == 2])
async def test_several_credentials_are_refused_over_grpc(name: str, asking: Guarded, keys: Keys) -> None:
    metadata = [(key.removeprefix("grpc-metadata-"), value.replace("{}", keys.full)) for key, value in SEVERAL[name][0]]
    async with grpc.aio.insecure_channel(asking.serve.grpc_address) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await channel.unary_unary("/modelwire.v1beta.ModelService/ListModels")(b"", metadata=metadata)
    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "several credentials at once" in (raised.value.details() or "")


@pytest.mark.parametrize("door", REST)
async def test_of_a_header_and_its_metadata_name_only_the_header_counts(door: str, asking: Guarded, keys: Keys) -> None:
    async with httpx.AsyncClient(base_url=asking.url(door)) as http:
        for header, metadata, status in ((keys.full, UNKNOWN, 200), (UNKNOWN, keys.full, 401)):
            both = {**bearer(header), "grpc-metadata-authorization": f"Bearer {metadata}"}
            assert (await http.get("/v1/models", headers=both)).status_code == status


# A name may be any that the model goes by; two of them are no model at all.
OTHERS = (
    "dear-1",
    "models/dear-1",
    "openai/dear-1",
    "openai/models/dear-1",
    "dear-2",
    "Cheap-1",
    "openai/cheap-1/../dear-1",
)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("kind", KINDS)
async def test_a_key_for_some_models_is_for_no_others(door: str, kind: Kind, asking: Guarded, keys: Keys) -> None:
    for model in OTHERS:
        failure = (await asking.got(door, bearer(keys.cheap), Asked(kind, model))).failure
        assert failure is not None
        assert (failure.code, failure.reason) == ("PERMISSION_DENIED", "MODEL_NOT_ALLOWED")
    assert not asking.upstream.seen


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("model", ["cheap-1", "openai/cheap-1"])
async def test_an_allowed_model_may_be_called_by_each_of_its_names(
    door: str, model: str, asking: Guarded, keys: Keys
) -> None:
    assert (await asking.got(door, bearer(keys.cheap), Asked(model=model))).done
    assert asking.upstream.seen[0]["model"] == "cheap-1"


@pytest.mark.parametrize("door", REST)
async def test_what_a_key_may_not_use_it_does_not_see(door: str, asking: Guarded, keys: Keys) -> None:
    async with httpx.AsyncClient(base_url=asking.url(door), headers=bearer(keys.cheap)) as http:
        listed = (await http.get("/v1/models")).json()["data"]
        got = [await http.get(f"/v1/models/{name}") for name in ("cheap-1", "dear-1", "dear-2")]
    assert [model["id"] for model in listed] == ["cheap-1"]
    assert [answer.status_code for answer in got] == [200, 403, 403]
    # Whether there is a model of that name is not told.
    assert got[1].text.replace("dear-1", "") == got[2].text.replace("dear-2", "")


async def test_models_over_grpc_are_those_of_the_key(asking: Guarded, keys: Keys) -> None:
    metadata = tuple(bearer(keys.cheap).items())
    async with grpc.aio.insecure_channel(asking.serve.grpc_address) as channel:
        wire = await channel.unary_unary("/modelwire.v1beta.ModelService/ListModels")(b"", metadata=metadata)
        wanted = models_pb2.GetModelRequest(model="dear-1").SerializeToString()
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await channel.unary_unary("/modelwire.v1beta.ModelService/GetModel")(wanted, metadata=metadata)
    assert [model.id for model in models_pb2.SdkListModelsResponse.FromString(wire).data] == ["cheap-1"]
    assert raised.value.code() is grpc.StatusCode.PERMISSION_DENIED


@pytest.mark.parametrize("door", REST)
@pytest.mark.parametrize(
    "more",
    [{"extra_body": {"model": "dear-1"}}, {"extraBody": {"model": "dear-1"}}, {"Model": "dear-1"}],
    ids=str,
)
async def test_no_other_member_of_a_request_names_the_model(
    door: str, more: dict[str, Any], asking: Guarded, keys: Keys
) -> None:
    async with httpx.AsyncClient(base_url=asking.url(door), headers=bearer(keys.cheap)) as http:
        await http.post("/v1/chat/completions", json=CHAT | more)
    assert {seen["model"] for seen in asking.upstream.seen} <= {"cheap-1"}


async def test_health_and_reflection_are_open(asking: Guarded) -> None:
    async with grpc.aio.insecure_channel(asking.serve.grpc_address) as channel:
        health = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
        requests = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        [told] = [answer async for answer in stub.ServerReflectionInfo(requests)]
    assert health.status == health_pb2.HealthCheckResponse.SERVING
    assert "modelwire.v1beta.ChatService" in {service.name for service in told.list_services_response.service}


@pytest.mark.parametrize("door", REST)
@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/openapi.json"])
async def test_the_operators_paths_are_open(door: str, path: str, asking: Guarded) -> None:
    async with httpx.AsyncClient(base_url=asking.url(door)) as http:
        answer = await http.get(path)
    assert answer.status_code == 200
    assert UPSTREAM_KEY not in answer.text
