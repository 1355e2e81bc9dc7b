"""What counts as a credential, and how many there may be."""

import pytest
from grpc.aio import Metadata
from modelwire_service.access.credentials import credential_in
from modelwire_service.errors import InvalidRequest, Unauthenticated

Pairs = list[tuple[str, str | bytes]]


@pytest.mark.parametrize(
    ("metadata", "credential"),
    [
        ([("authorization", "Bearer k-1")], "k-1"),
        ([("authorization", b"Bearer k-1")], "k-1"),
        ([("authorization", "bearer k-1")], "k-1"),
        ([("authorization", "BEARER   k-1 ")], "k-1"),
        ([("x-goog-api-key", "k-1")], "k-1"),
        ([("x-goog-api-key", b" k-1 ")], "k-1"),
        ([("user-agent", "x"), ("x-goog-api-key", "k-1"), ("te", "trailers")], "k-1"),
        ([("x-api-key", "k-1"), ("authorization-2", "Bearer k-1")], None),
        ([("authorization", "")], None),
        ([("authorization", "Bearer")], None),
        ([("authorization", "Bearer ")], None),
        ([("x-goog-api-key", "")], None),
        ([], None),
    ],
)
def test_one_credential_is_found_wherever_it_is(metadata: Pairs, credential: str | None) -> None:
    assert credential_in(metadata) == credential
    assert credential_in(tuple(metadata)) == credential
    assert credential_in(Metadata(*metadata)) == credential


def test_a_call_without_metadata_has_no_credential() -> None:
    assert credential_in(None) is None


@pytest.mark.parametrize(
    ("metadata", "named"),
    [
        ([("authorization", "Bearer a"), ("x-goog-api-key", "b")], "in authorization and x-goog-api-key"),
        ([("x-goog-api-key", "b"), ("te", "x"), ("authorization", "Bearer a")], "in x-goog-api-key and authorization"),
        ([("authorization", "Bearer a"), ("authorization", "Bearer a")], "in authorization: send one"),
        ([("x-goog-api-key", "a"), ("x-goog-api-key", "a")], "in x-goog-api-key (?key= is one as well): send one"),
        ([("authorization", "Bearer a, Bearer b")], "in authorization: send one"),
        ([("x-goog-api-key", "a,b")], "in x-goog-api-key (?key= is one as well): send one"),
        ([("authorization", "Basic YTpi"), ("x-goog-api-key", "b")], "in authorization and x-goog-api-key"),
        ([("authorization", ""), ("x-goog-api-key", "")], "in authorization and x-goog-api-key"),
    ],
)
def test_several_credentials_are_refused_and_named(metadata: Pairs, named: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        credential_in(metadata)
    assert named in raised.value.message


@pytest.mark.parametrize(
    "metadata",
    [
        [("authorization", "Basic c2VjcmV0OnNlY3JldA==")],
        [("authorization", "secret-without-a-scheme")],
        [("authorization", "Bearersecret")],
        [("authorization", "Bearer secret secret")],
        [("authorization", "Bearer secret\r\nx: secret")],
        [("authorization", "Bearer\tsecret")],
        [("x-goog-api-key", "secret secret")],
        [("x-goog-api-key", "secret\x00")],
        [("x-goog-api-key", "secret-ключ")],
        [("x-goog-api-key", b"secret\xff")],
    ],
)
def test_a_credential_in_another_form_is_refused_without_being_told(metadata: Pairs) -> None:
    with pytest.raises(Unauthenticated) as raised:
        credential_in(metadata)
    assert "secret" not in str(raised.value.to_status())
