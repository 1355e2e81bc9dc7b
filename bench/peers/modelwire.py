"""`modelwire serve` with all it does by default, and with a key to ask for, limits on that key and usage recorded."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import modelwire_service

from bench.peers.peer import ROOT, Command, Peer, Place, Prepared

_COMMAND: Final = str(Path(sys.executable).parent / "modelwire")
_LIMITS: Final = (
    *("--requests-per-minute", "1000000000"),
    *("--tokens-per-minute", "1000000000000"),
    *("--concurrency", "1000000"),
)
"""Of the key: all three are counted, none is ever reached."""
_QUIET: Final = ("--log-level", "warning", "--drain-notice-seconds", "0")
"""Nobody balances load here who would have to be told of the end."""


def served(place: Place, *doors: str) -> Prepared:
    """The server with those doors, and the headers of a caller who has a key."""
    database = f"sqlite:///{place.folder / 'bench.db'}"
    create = [_COMMAND, "keys", "create", "bench", "--database", database, *_LIMITS]
    key = subprocess.run(create, check=True, capture_output=True, text=True, env=_environment()).stdout.strip()
    serve = (_COMMAND, "serve", "--auth", "keys", "--database", database, *_QUIET, *doors)
    upstream = {"OPENAI_BASE_URL": f"http://{place.upstream}/v1", "OPENAI_API_KEY": "upstream-key"}
    return Prepared((Command(serve, upstream),), {"authorization": f"Bearer {key}"})


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("MODELWIRE_")}


def _prepare(place: Place) -> Prepared:
    return served(place, "--http-address", place.rest, "--grpc-address", place.grpc)


def version() -> str:
    """The package's, and the commit where there is one."""
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], check=False, capture_output=True, text=True, cwd=ROOT
    )
    return f"{modelwire_service.__version__} {commit.stdout.strip()}".strip()


MODELWIRE: Final = Peer("modelwire", "modelwire", _prepare, version, doors=("rest", "grpc"))
