"""LiteLLM's proxy: one worker, a master key, no database, as its documentation has production servers."""

import json
import subprocess
from typing import Final

from bench.peers.peer import KEY, TOOLCHAINS, Command, Peer, Place, Prepared, installed
from bench.upstream.answers import MODELS

_FOLDER: Final = TOOLCHAINS / "litellm" / "bin"
_ENVIRONMENT: Final = {
    "LITELLM_MODE": "PRODUCTION",
    "LITELLM_LOG": "ERROR",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
}
"""No debugging, and no fetching of a price list when it starts."""


def _prepare(place: Place) -> Prepared:
    upstream = {"api_base": f"http://{place.upstream}/v1", "api_key": "upstream-key"}
    listed = [{"model_name": name, "litellm_params": {"model": f"openai/{name}", **upstream}} for name in MODELS]
    config = place.folder / "litellm.yaml"
    config.write_text(json.dumps({"model_list": listed, "general_settings": {"master_key": KEY}}))
    command = (
        *(installed(_FOLDER / "litellm"), "--config", str(config), "--host", "127.0.0.1"),
        *("--port", str(place.rest_port), "--num_workers", "1", "--telemetry", "False"),
        *("--keepalive_timeout", "75"),
    )
    return Prepared((Command(command, _ENVIRONMENT),), {"authorization": f"Bearer {KEY}"})


def _version() -> str:
    ask = [str(_FOLDER / "python"), "-c", "import importlib.metadata as all; print(all.version('litellm'))"]
    return subprocess.run(ask, check=True, capture_output=True, text=True).stdout.strip()


LITELLM: Final = Peer("litellm", "LiteLLM", _prepare, _version)
