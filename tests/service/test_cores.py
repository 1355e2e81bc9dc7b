"""How many workers `auto` is."""

import os
from pathlib import Path

import pytest
from modelwire_service.cores import cores
from modelwire_service.settings import ConfigurationError, load_settings

USABLE = len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("quota", "expected"),
    [
        ("max 100000", USABLE),
        ("100000 100000", 1),
        ("50000 100000", 1),
        ("199999 100000", 1),
        ("99900000 100000", USABLE),
        ("what is this", USABLE),
        ("", USABLE),
    ],
)
def test_cores_are_those_that_may_be_used(quota: str, expected: int, tmp_path: Path) -> None:
    path = tmp_path / "cpu.max"
    path.write_text(quota)
    assert cores(path) == expected


def test_without_control_groups_all_cores_may_be_used(tmp_path: Path) -> None:
    assert cores(tmp_path / "none") == USABLE


def test_auto_is_as_many_workers_as_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings({}).workers == 1
    assert load_settings({"workers": "auto"}).workers == cores()
    monkeypatch.setenv("MODELWIRE_WORKERS", "3")
    assert load_settings({}).workers == 3


@pytest.mark.parametrize("given", ["0", "-1", "257", "many", "1.5"])
def test_other_numbers_of_workers_are_refused(given: str) -> None:
    with pytest.raises(ConfigurationError, match="workers: Input should be "):
        load_settings({"workers": given})
