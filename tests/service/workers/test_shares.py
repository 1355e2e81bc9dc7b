"""What is divided among workers."""

import pytest
from modelwire_service.settings import ConfigurationError, Settings
from modelwire_service.workers.shares import refuse_unshareable, settings_of, share
from support.stack import openai_settings

MIB = 2**20


@pytest.mark.parametrize(("total", "workers"), [(0, 3), (1, 3), (7, 3), (8, 2), (4_096, 5), (3, 3)])
def test_parts_add_up_and_are_as_equal_as_can_be(total: int, workers: int) -> None:
    parts = [share(total, number, workers) for number in range(1, workers + 1)]
    assert sum(parts) == total
    assert max(parts) - min(parts) <= 1


def test_bounds_of_the_server_are_divided() -> None:
    upstream = openai_settings("http://127.0.0.1:9", max_concurrent=5, max_queued=1)
    plain = openai_settings("http://127.0.0.1:9", name="plain")
    settings = Settings(
        workers=2,
        max_concurrent_calls=11,
        max_queued_calls=3,
        max_connections=10,
        max_request_bytes_in_flight=100 * MIB,
        upstreams=(upstream, plain),
    )
    first, second = (settings_of(settings, number, grpc_address="127.0.0.1:1") for number in (1, 2))
    bounds = [(of.max_concurrent_calls, of.max_queued_calls, of.max_connections) for of in (first, second)]
    assert bounds == [(6, 2, 5), (5, 1, 5)]
    assert first.max_request_bytes_in_flight == 50 * MIB
    assert [(of.upstreams[0].max_concurrent, of.upstreams[0].max_queued) for of in (first, second)] == [(3, 1), (2, 0)]
    assert first.upstreams[1] == plain
    assert (first.grpc_address, first.http_address) == ("127.0.0.1:1", settings.http_address)


def test_each_worker_may_hold_one_request_of_the_largest() -> None:
    settings = Settings(workers=64)
    assert settings_of(settings, 64).max_request_bytes_in_flight == settings.max_request_bytes


def test_what_is_too_little_for_all_is_refused() -> None:
    upstream = openai_settings("http://127.0.0.1:9", max_concurrent=3)
    settings = Settings(workers=4, max_concurrent_calls=3, max_connections=2, grpc_address="unix:/tmp/s")
    with pytest.raises(ConfigurationError) as refused:
        refuse_unshareable(settings, [upstream])
    assert [complaint.split(":")[0] for complaint in refused.value.complaints] == [
        "grpc_address",
        "max_concurrent_calls",
        "max_connections",
        "upstream scripted",
    ]
    refuse_unshareable(settings.model_copy(update={"workers": 1}), [upstream])
