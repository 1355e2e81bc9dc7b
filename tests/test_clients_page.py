"""docs/clients.md shows the code of examples that run, and of all of them."""

import re
import sys
from pathlib import Path

import pytest
from support.commands import run
from support.programs import Program
from support.shown_code import ROOT, blocks, with_code

PAGE = ROOT / "docs" / "clients.md"
TOURS = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "examples" / "tour").glob("[Tt]our*.*"))
BLOCKS = re.findall(r"(?<!-->)\n+```(\w+)\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
ASKING = [block for block in BLOCKS if block[0] in ("sh", "python") and "127.0.0.1" in block[1]]
"""What is typed, or run as it stands, and asks a server."""
FILE = """\
# [chat]
import a
# [end]
import b
# [chat]
import c
# [end]


# [chat]
def f():
    a()
    # [end]
    # [error]
    b()  # [sic]

    # [end]
    # [chat]
    c()
    # [end]


def g():
    # [chat]
    if a:
        a()
    # [end]
"""


def test_the_page_shows_what_the_examples_have() -> None:
    page = PAGE.read_text()
    assert page == with_code(page), "docs/clients.md shows other code than the examples have; `make docs` mends it"


def test_every_tour_is_on_the_page() -> None:
    page = PAGE.read_text()
    assert sorted(path for path, name in blocks(page) if name == "chat") == TOURS
    assert len(blocks(page)) == page.count("<!-- ")


@pytest.mark.parametrize(("language", "program"), ASKING)
def test_what_asks_a_server_is_answered(language: str, program: str, server: Program) -> None:
    program = program.replace("127.0.0.1:8080", server.http_address).replace("127.0.0.1:50051", server.grpc_address)
    command = ("bash", "-ec", program) if language == "sh" else (sys.executable, "-c", program)
    printed = run(*command, cwd=ROOT)
    assert printed.strip()
    assert '"error"' not in printed


@pytest.mark.parametrize(
    ("name", "shown"),
    [("chat", "import a\nimport c\n\ndef f():\n    a()\n\n    c()\n\nif a:\n    a()\n"), ("error", "b()  # [sic]\n")],
)
def test_a_block_is_written_anew(name: str, shown: str, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(FILE)
    page = "Text.\n\n<!-- a.py [{}] -->\n```python\n{}```\n\n```python\nkept()\n```\n"
    assert with_code(page.format(name, "old\n"), tmp_path) == page.format(name, shown)
    assert with_code(page.format(name, ""), tmp_path) == page.format(name, shown)
    assert blocks(page.format(name, "old\n")) == [("a.py", name)]


@pytest.mark.parametrize(
    ("file", "complaint"),
    [
        ("a()\n", "nothing between [chat] and [end]"),
        ("# [chat]\n# [end]\n", "nothing between [chat] and [end]"),
        ("# [chat]\na()\n", "[chat] without [end]"),
        ("# [error]\na()\n", "[error] without [end]"),
        ("# [chat]\n# [error]\n# [end]\n", "[error] within another part"),
        ("# [end]\n", "[end] without another part"),
    ],
)
def test_marks_that_show_nothing_are_told(file: str, complaint: str, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(file)
    with pytest.raises(ValueError, match=f"^{re.escape(f'{tmp_path}/a.py: {complaint}')}$"):
        with_code("<!-- a.py [chat] -->\n```python\n```\n", tmp_path)
