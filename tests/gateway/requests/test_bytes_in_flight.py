import pytest
from modelwire_gateway.errors import RpcFailure
from modelwire_gateway.requests.bytes_in_flight import BytesInFlight


def test_what_does_not_fit_is_refused_until_something_is_given_back() -> None:
    held = BytesInFlight(10)
    held.take(8)
    with pytest.raises(RpcFailure) as caught:
        held.take(3)
    assert (caught.value.http_status, held.count) == (503, 8)
    assert ("retry-after", "1") in caught.value.headers
    held.give_back(8)
    held.take(10)
    assert held.count == 10
