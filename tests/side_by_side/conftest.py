"""The comparison, made once."""

import pytest
from side_by_side.both_gateways import Pairs, SideBySide


@pytest.fixture(scope="session")
def side_by_side(tmp_path_factory: pytest.TempPathFactory) -> SideBySide:
    return SideBySide(tmp_path_factory.mktemp("envoy"))


@pytest.fixture
def pairs(side_by_side: SideBySide, envoy: str) -> Pairs:
    return side_by_side.pairs(envoy)
