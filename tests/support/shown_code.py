"""Keeps code on a page of docs/ the same as that of the program it is taken from.

On the page stands `<!-- PATH [NAME] -->`, and after it a block of code: the lines of that file that lie between the
comment lines `[NAME]` and `[end]`. There may be several such parts. Each is moved to the left as far as it goes, but
for one that goes on in the block of the part before; a blank line comes between them where the file has one.
`python -m support.shown_code PAGE …` (`make docs`) writes the blocks anew.
"""

import re
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
_BLOCK: Final = re.compile(r"(?P<head>^<!-- (?P<path>\S+) \[(?P<name>\w+)\] -->\n+```\w+\n).*?(?=^```$)", re.M | re.S)
_MARK: Final = re.compile(r"\s*(?:#|//) \[(\w+)\]\n?")


def with_code(page: str, root: Path = ROOT) -> str:
    """The page with each block as its file has it. Raises ValueError for marks that show nothing."""
    return _BLOCK.sub(lambda block: block["head"] + _shown(root / block["path"], block["name"]), page)


def blocks(page: str) -> list[tuple[str, str]]:
    """The path and the name of each block that is taken from a file."""
    return [(block["path"], block["name"]) for block in _BLOCK.finditer(page)]


def _shown(file: Path, name: str) -> str:
    """All parts of that name."""
    text, skipped, shift = "", list[str](), 0
    for part, lines in _parts(file):
        if part != name:
            skipped += lines
            continue
        own = _indentation(lines)
        shift = shift if text and own <= _indentation(skipped) else own
        text += "\n" * ("\n" in skipped) + "".join(line[shift:] or "\n" for line in lines)
        skipped = []
    if not text.strip():
        raise ValueError(f"{file}: nothing between [{name}] and [end]")
    return re.sub(r"\n{3,}", "\n\n", text.strip("\n")) + "\n"


def _parts(file: Path) -> list[tuple[str, list[str]]]:
    """All lines of the file, in parts with their names; what lies between these has none."""
    parts: list[tuple[str, list[str]]] = [("", [])]
    for line in file.read_text().splitlines(keepends=True):
        if mark := _MARK.fullmatch(line):
            within = parts[-1][0]
            if (mark[1] == "end") != bool(within):
                raise ValueError(f"{file}: [{mark[1]}] {'within' if within else 'without'} another part")
            parts.append(("" if within else mark[1], []))
        else:
            parts[-1][1].append(line)
    if parts[-1][0]:
        raise ValueError(f"{file}: [{parts[-1][0]}] without [end]")
    return parts


def _indentation(lines: list[str]) -> int:
    """The least of any line that is not blank."""
    return min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)


if __name__ == "__main__":
    for page in map(Path, sys.argv[1:]):
        page.write_text(with_code(page.read_text()))
