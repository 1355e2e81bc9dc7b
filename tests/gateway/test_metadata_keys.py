import pytest
from modelwire_gateway.metadata_keys import may_name_metadata


@pytest.mark.parametrize("key", ["authorization", "x-tenant", "a", "a_b.c-1", "trace-bin", "cookie"])
def test_keys(key: str) -> None:
    assert may_name_metadata(key)


@pytest.mark.parametrize(
    "key",
    ["", "X-Tenant", "a b", "a:b", ":path", "é", "grpc-status", "host", "te", "content-type", "x-request-id", "a\n"],
)
def test_what_is_no_key_or_not_the_callers(key: str) -> None:
    assert not may_name_metadata(key)
