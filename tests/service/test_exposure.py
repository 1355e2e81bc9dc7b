import pytest
from modelwire_service.exposure import reachable_from_elsewhere, unguarded_doors
from modelwire_service.settings import Settings


@pytest.mark.parametrize(
    ("address", "reachable"),
    [
        ("127.0.0.1:1", False),
        ("127.9.9.9:1", False),
        ("localhost:1", False),
        ("LOCALHOST:1", False),
        ("[::1]:1", False),
        ("unix:/run/socket", False),
        ("0.0.0.0:1", True),
        ("[::]:1", True),
        ("192.0.2.1:1", True),
        ("example.com:1", True),
    ],
)
def test_other_machines_reach_what_is_not_on_loopback(address: str, reachable: bool) -> None:
    assert reachable_from_elsewhere(address) is reachable


@pytest.mark.parametrize(
    ("settings", "complained"),
    [
        ({}, []),
        ({"http_address": "0.0.0.0:1"}, ["http_address"]),
        ({"http_address": "0.0.0.0:1", "grpc_address": "[::]:2"}, ["grpc_address", "http_address"]),
        ({"http_address": "0.0.0.0:1", "no_http": True}, []),
        ({"http_address": "0.0.0.0:1", "auth": "none"}, []),
        ({"grpc_address": "0.0.0.0:1", "tls_client_ca": "/ca.pem"}, []),
    ],
)
def test_a_door_that_is_open_to_other_machines_is_complained_of(
    settings: dict[str, object], complained: list[str]
) -> None:
    complaints = list(unguarded_doors(Settings.model_validate(settings)))
    assert [complaint.partition(":")[0] for complaint in complaints] == complained
    assert all("modelwire keys create" in complaint for complaint in complaints)
