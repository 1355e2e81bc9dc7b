"""Tells what callers of an earlier contract would lose: buf's WIRE_JSON rules, between this tree and that one.

The earlier contract is that of the commit where this branch left main, or, on main itself, of the commit before. A
clone that has neither (one commit deep) is compared with its own commit. Nothing is fetched, and nothing is asked of
the network: the earlier protos are compiled like these.
"""

import subprocess
import sys
import tarfile
import tempfile
from io import BytesIO
from pathlib import Path

from compile_protos import compile_protos

ROOT = Path(__file__).parents[1]
BRANCHES = ("origin/main", "main")


def main() -> int:
    """Prints what would break; the exit status is buf's, 0 if nothing would."""
    with tempfile.TemporaryDirectory() as directory:
        old = Path(directory)
        with tarfile.open(fileobj=BytesIO(git("archive", earlier(), "protos"))) as archive:
            archive.extractall(old, filter="data")
        images = [image_of(ROOT / "protos", old / "stubs"), image_of(old / "protos", old / "earlier_stubs")]
        buf = Path(sys.executable).with_name("buf")
        command: list[str | Path] = [
            buf,
            "breaking",
            images[0],
            "--against",
            images[1],
            "--config",
            ROOT / "protos" / "buf.yaml",
        ]
        return subprocess.run([*command, "--path", "modelwire"]).returncode  # noqa: S603 (words and paths of this tree)


def image_of(protos: Path, stubs: Path) -> Path:
    """The descriptor image of the .proto files there."""
    compile_protos(protos, stubs)
    return stubs / "modelwire" / "protos.binpb"


def earlier() -> str:
    """The commit whose contract must still hold."""
    head = git("rev-parse", "HEAD").decode().strip()
    for branch in BRANCHES:
        if (base := found("merge-base", "HEAD", branch)) and base != head:
            return base
    return found("rev-parse", "HEAD^") or head


def found(*arguments: str) -> str | None:
    """What git tells; None where there is no such commit."""
    try:
        return git(*arguments).decode().strip()
    except subprocess.CalledProcessError:
        return None


def git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True).stdout  # noqa: S603, S607


if __name__ == "__main__":
    sys.exit(main())
