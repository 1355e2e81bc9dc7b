"""A whole REST call: Envoy's grpc_json_transcoder, `modelwire gateway`, the transcoder in the service's own process.

`make bench-gateway`, or `PYTHONPATH=tests python -m bench.gateway.rest_call`. All that answers runs on one core, the
load comes from another. Only the ratios of one run mean anything. Takes about a minute and a half; writes
results/rest_call.json and results/rest_call.svg.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Final

from support.images import compiled_image

from bench.gateway.answering import book
from bench.gateway.fronts import FRONTS, Front
from bench.load.dialogue import Expected
from bench.load.http1 import Http1
from bench.load.loops import closed_loop
from bench.load.outcome import quantile
from bench.measuring.processes import on_core
from bench.report.bars import bar_chart

ROUNDS: Final = 3
SECONDS: Final = 1.0
WARM_UP_SECONDS: Final = 0.1
CONNECTIONS: Final = (1, 32)
FOLDER: Final = Path(__file__).parent
RESULTS: Final = FOLDER.parent / "results"
ENVOY: Final = FOLDER.parents[1] / ".toolchains" / "envoy" / "envoy" / "_bin" / "envoy"

_A_BOOK: Final = Expected(b'"The Praise of Folly"')

Figures = dict[str, float]
Key = tuple[str, int, str]
"""Case, connections, front."""


def request(method: str, target: str, body: Any = None) -> bytes:
    content = b"" if body is None else json.dumps(body).encode()
    typed = b"content-type: application/json\r\ncontent-length: %d\r\n" % len(content) if content else b""
    return f"{method} {target} HTTP/1.1\r\nhost: localhost\r\n".encode() + typed + b"\r\n" + content


def posted(repeats: int) -> dict[str, Any]:
    """A book as JSON has it, its summary so many times as long."""
    sent = book(3)
    return {**sent, "published": "2026-01-31T12:00:00Z", "summary": sent["summary"] * repeats}


CASES: Final = {
    "GET, 0.4 kB answer": request("GET", "/v1/shelves/philosophy/books/1?language=en&edition=3"),
    "POST, 0.4 kB each way": request("POST", "/v1/books", posted(1)),
    "POST, 200 kB request": request("POST", "/v1/books", posted(1100)),
    "GET, 480 kB answer": request("GET", "/v1/shelves/philosophy/books?pageSize=1080"),
}


def measured(front: Front, sent: bytes, connections: int) -> Figures:
    """One round: calls a second, how long they took, and the CPU time of each, without the service and with it.

    Raises RuntimeError for an answer that is not 200 with a book in it.
    """
    load = partial(closed_loop, f"unix:{front.path}", lambda: Http1(sent, _A_BOOK))
    load(connections=1, seconds=WARM_UP_SECONDS)
    before = front.cpu_seconds()
    outcome = load(connections=connections, seconds=SECONDS)
    if outcome.errors:
        raise RuntimeError(f"{outcome.failures} and {outcome.unfinished} calls without an answer")
    times = sorted(outcome.times)
    used = [(after - start) / len(times) * 1e6 for start, after in zip(before, front.cpu_seconds(), strict=True)]
    return {
        "calls_per_second": outcome.per_second,
        "p50_ms": quantile(times, 0.5) * 1e3,
        "p99_ms": quantile(times, 0.99) * 1e3,
        "front_cpu_us": used[0],
        "all_cpu_us": sum(used),
    }


def run(fronts: dict[str, Front]) -> dict[Key, Figures]:
    """The medians of all rounds; the fronts take turns within each."""
    rounds: dict[Key, list[Figures]] = {}
    total, done = ROUNDS * len(CASES) * len(CONNECTIONS) * len(fronts), 0
    for _ in range(ROUNDS):
        for case, sent in CASES.items():
            for connections in CONNECTIONS:
                for name, front in fronts.items():
                    tell(f"{done}/{total}  {case}, {connections} at a time: {name}")
                    rounds.setdefault((case, connections, name), []).append(measured(front, sent, connections))
                    done += 1
    tell("")
    return {key: median(figures) for key, figures in rounds.items()}


def median(rounds: list[Figures]) -> Figures:
    return {name: statistics.median(figures[name] for figures in rounds) for name in rounds[0]}


def tell(text: str) -> None:
    """Progress, where somebody may be looking."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()


def table(results: dict[Key, Figures]) -> str:
    head = f"{'':<24}{'at once':>8}  {'front':<20}{'calls/s':>9}{'ratio':>7}{'p50 ms':>9}{'p99 ms':>9}"
    lines = [head + f"{'front CPU µs':>14}{'all CPU µs':>12}"]
    for (case, connections, name), figures in results.items():
        first = next(iter(FRONTS))
        base = results.get((case, connections, first), figures)["calls_per_second"]
        lines.append(
            f"{case if name == first else '':<24}{connections if name == first else '':>8}  {name:<20}"
            f"{figures['calls_per_second']:>9.0f}{figures['calls_per_second'] / base:>7.2f}"
            f"{figures['p50_ms']:>9.2f}{figures['p99_ms']:>9.2f}"
            f"{figures['front_cpu_us']:>14.0f}{figures['all_cpu_us']:>12.0f}"
        )
    return "\n".join(lines)


def save(results: dict[Key, Figures]) -> None:
    RESULTS.mkdir(exist_ok=True)
    rows = [
        {
            "case": case,
            "connections": connections,
            "front": name,
            **{key: round(value, 3) for key, value in each.items()},
        }
        for (case, connections, name), each in results.items()
    ]
    (RESULTS / "rest_call.json").write_text(json.dumps(rows, indent=1) + "\n")
    groups = {
        f"{case}, {connections} at a time": {
            name: results[case, connections, name]["calls_per_second"] for name in FRONTS
        }
        for case in CASES
        for connections in CONNECTIONS
    }
    (RESULTS / "rest_call.svg").write_text(bar_chart("REST calls a second", groups))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--envoy", type=Path, default=ENVOY, help="the program; `make toolchains` installs it")
    binary = parser.parse_args().envoy
    load_core, answer_core = sorted(os.sched_getaffinity(0))[:2]
    with tempfile.TemporaryDirectory() as folder, ExitStack() as started:
        image = Path(folder) / "library.binpb"
        image.write_bytes(compiled_image(Path(folder), library=(FOLDER / "library.proto").read_text()))
        with on_core(answer_core):
            fronts = {name: started.enter_context(start(Path(folder), image, binary)) for name, start in FRONTS.items()}
        with on_core(load_core):
            results = run(fronts)
    sys.stdout.write(table(results) + "\n")
    save(results)


if __name__ == "__main__":
    main()
