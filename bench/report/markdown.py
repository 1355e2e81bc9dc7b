"""The report as Markdown."""

from collections.abc import Iterator
from typing import Final

from bench.cases.all_cases import CASES
from bench.cases.case import Case
from bench.measuring.memory import STREAMS
from bench.peers.all_peers import PEERS
from bench.peers.peer import Peer
from bench.report.charts import CHARTS
from bench.report.goals import OURS, judged
from bench.report.stats import Figures, Stat
from bench.report.text import NOTHING, median, ranged, spread, table

_METHOD: Final = """\
All that is measured runs on one core, one peer after the other; the load and the mock upstream share another. Every
round starts every peer anew. Each cell is one load in a closed loop: so many connections, each with one call at a time.
Figures are medians of the rounds; ratios and differences are taken within a round, with the least and the most of the
rounds behind them. Only they mean anything: another machine, or this one on another day, has other figures. Before each
load one answer is read whole and compared; under load every answer's status and content are counted, and what is not
right is an error. Calls that were not answered when patience ended are unfinished. modelwire runs with a key asked for,
limits on that key, usage recorded and all checks."""

_COLUMNS: Final = (
    "at once",
    "peer",
    "calls/s",
    "spread",
    "modelwire is",
    "p50 ms",
    "p99 ms",
    "added p50 ms",
    "added p99 ms",
    "CPU µs a call",
    "errors",
    "unfinished",
)


def markdown(figures: Figures) -> str:
    """The whole of it."""
    sections = [
        "# modelwire beside its peers",
        _METHOD,
        _setting(figures),
        "## Goals",
        _goals(figures),
        *_charts(),
        *(part for case in CASES.values() for part in _case(figures, case)),
        *_timed(figures),
        *_rates(figures),
        *_starts_and_memory(figures),
        *_wrong(figures),
    ]
    return "\n\n".join(sections) + "\n"


def _setting(figures: Figures) -> str:
    results = figures.results
    facts = [f"- plan: {results.plan}, {results.rounds} × {results.seconds:g} s a cell"]
    facts += [f"- {name}: {value}" for name, value in results.machine.items()]
    facts += [f"- {_title(name)}: {version}" for name, version in results.versions.items() if version]
    facts += [f"- {_title(name)} could not be measured: {why}" for name, why in results.unavailable.items()]
    return "\n".join(facts)


def _goals(figures: Figures) -> str:
    rows = [(goal.what, goal.against, goal.wanted, found, met) for goal, found, met in judged(figures)]
    return table(("what", "against", "goal", "measured", ""), rows)


def _charts() -> Iterator[str]:
    for chart in CHARTS:
        yield f"![{chart.title}]({chart.file})"


def _case(figures: Figures, case: Case) -> Iterator[str]:
    rows = [
        _row(figures, case, peer, connections)
        for connections in case.connections
        for peer in PEERS.values()
        if case.door in peer.doors and figures.cells(peer.name, case.name, connections)
    ]
    if rows:
        yield f"## {case.title}"
        yield table(_COLUMNS, rows)


def _row(figures: Figures, case: Case, peer: Peer, connections: int) -> list[str]:
    cell = (peer.name, case.name, connections)
    speed = figures.stat(*cell, "per_second")
    return [
        str(connections),
        peer.title,
        median(speed),
        spread(speed),
        _times(figures.ratio(OURS, *cell)) if peer.name != OURS else "",
        median(figures.stat(*cell, "p50_ms")),
        median(figures.stat(*cell, "p99_ms")),
        ranged(figures.added(*cell, "p50_ms")) if peer.name != "direct" else "",
        median(figures.added(*cell, "p99_ms")) if peer.name != "direct" else "",
        median(figures.stat(*cell, "cpu_us")),
        str(figures.total(*cell, "errors")),
        str(figures.total(*cell, "unfinished")),
    ]


def _times(ratio: Stat | None) -> str:
    return NOTHING if ratio is None else f"{ranged(ratio)}×"


def _timed(figures: Figures) -> Iterator[str]:
    """When the parts of answers come, beside when they come from the upstream itself."""
    head = (
        "at once",
        "peer",
        "first p50 ms",
        "first p99 ms",
        "added to the first, p50",
        "added gap p50",
        "added gap p99",
    )
    for case in CASES.values():
        rows = [
            [
                str(connections),
                peer.title,
                median(figures.stat(*cell, "first_p50_ms")),
                median(figures.stat(*cell, "first_p99_ms")),
                *(ranged(figures.added(*cell, name)) for name in ("first_p50_ms", "gap_p50_ms", "gap_p99_ms")),
            ]
            for connections in case.connections
            for peer in PEERS.values()
            if case.timed and figures.stat(*(cell := (peer.name, case.name, connections)), "first_p50_ms")
        ]
        if rows:
            yield f"## When events come: {case.title}"
            yield table(head, rows)


def _rates(figures: Figures) -> Iterator[str]:
    rows = [(_title(name), ranged(Stat.of(rates))) for name, rates in figures.results.rates.items()]
    if rows:
        yield "## The largest fixed rate"
        yield (
            "LiteLLM's own recipe: calls with answers of 8 kB arrive at a fixed rate, on 256 connections at most; the "
            "largest rate of a ladder at which p95 is 100 ms or less, with no error and 98 % of the calls made in "
            "time. Direct is the ceiling of the load."
        )
        yield table(("peer", "calls/s"), rows)


def _starts_and_memory(figures: Figures) -> Iterator[str]:
    results = figures.results
    if not results.starts:
        return
    yield "## Cold start and memory"
    yield (
        "The start lasts until the first answer from the upstream. Memory is the proportional set of all processes, "
        f"in MB: after the first answer, with {STREAMS:,} streams open, right after all loads, and after a moment of "
        "quiet."
    )
    head = ("peer", "start s", "idle", f"{STREAMS:,} streams", "streams opened", "loaded", "after")
    names = ("idle", "streams", "opened", "loaded", "after")
    yield table(
        head,
        [
            [_title(peer), ranged(Stat.of(starts)), *(median(_memory(figures, peer, name)) for name in names)]
            for peer, starts in results.starts.items()
        ],
    )


def _memory(figures: Figures, peer: str, name: str) -> Stat | None:
    return Stat.of(each[name] for each in figures.results.memory.get(peer, ()) if name in each)


def _wrong(figures: Figures) -> Iterator[str]:
    """One line for each peer and case in which something went wrong."""
    found = {(cell.peer, cell.case): cell.complaint for cell in figures.results.cells if cell.complaint}
    if found:
        yield "## What went wrong"
        yield "\n".join(
            f"- {_title(peer)}, {CASES[case].title}: {' '.join(why.split())}" for (peer, case), why in found.items()
        )


def _title(peer: str) -> str:
    return PEERS[peer].title
