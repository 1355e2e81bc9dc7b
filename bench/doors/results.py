"""What was measured, as a table and a chart."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.doors.cell import BUSY, Cell, Plan
from bench.doors.ways import DOORS, OPENAI
from bench.report.bars import Groups, bar_chart
from bench.report.stats import Stat
from bench.report.text import NOTHING, number, ranged, table

_METHOD: Final = f"""\
The same calls through every door of one `modelwire serve` on one core, with a key asked for, limits on it and usage
recorded; the load and the mock upstream share another core. Made by `make bench-doors`, and only the ratios of one run
mean anything. Bytes are those of an ordinary client's call on a warm connection (http.client, grpcio), with framing
and headers, without TLS and what lies below TCP, and uncompressed. Times are of one call at a time. Calls a second and
CPU are of {BUSY} at once; CPU is all that the server used. Medians of the rounds, with the least and the most behind
CPU. The upstream answers at once, in OpenAI's JSON, so that what is left is the server's own part and reading that JSON
is in all of it; and since the events of the stream arrive together, modelwire.v1 has one chunk for most of them."""

_COLUMNS: Final = ("call", "door", "bytes sent", "bytes received", "of REST's", "p50 ms", "p99 ms", "calls/s")
_CPU: Final = ("CPU µs a call", "of REST's")
_CHARTED: Final = {"bytes": ("sent_bytes", "received_bytes"), "CPU µs": ("cpu_us",), "p50 ms": ("p50_ms",)}


@dataclass(frozen=True, slots=True)
class Results:
    """Cells of all rounds."""

    plan: Plan
    machine: Mapping[str, str]
    cells: Sequence[Cell]

    def write(self, folder: Path) -> str:
        """doors.json, doors.md and doors.svg, into `folder`; gives the table."""
        folder.mkdir(parents=True, exist_ok=True)
        rows = ",\n ".join(json.dumps(cell.rounded(), ensure_ascii=False) for cell in self.cells)
        (folder / "doors.json").write_text(f"[\n {rows}\n]\n")
        (folder / "doors.md").write_text(self._page())
        (folder / "doors.svg").write_text(bar_chart("One call through each door", self._groups()))
        return self._table()

    def _page(self) -> str:
        facts = [f"- plan: {self.plan.name}, {self.plan.rounds} × {self.plan.seconds:g} s"]
        facts += [f"- {name}: {value}" for name, value in self.machine.items()]
        sections = ("# gRPC beside REST", _METHOD, "\n".join(facts), self._table(), "![By door](doors.svg)")
        return "\n\n".join(sections) + "\n"

    def _table(self) -> str:
        return table(
            (*_COLUMNS, *_CPU), [self._row(call, door) for call in self._calls() for door in self._doors(call)]
        )

    def _row(self, call: str, door: str) -> list[str]:
        received, cpu = (self._stat(call, door, name) for name in ("received_bytes", "cpu_us"))
        return [
            call if door == OPENAI else "",
            door,
            f"{self._stat(call, door, 'sent_bytes').median:,.0f}",
            f"{received.median:,.0f}",
            self._ratio(call, door, "received_bytes"),
            *(number(self._stat(call, door, name).median) for name in ("p50_ms", "p99_ms", "per_second")),
            ranged(cpu),
            self._ratio(call, door, "cpu_us"),
        ]

    def _ratio(self, call: str, door: str, figure: str) -> str:
        if door == OPENAI:
            return NOTHING
        return f"{self._stat(call, door, figure).median / self._stat(call, OPENAI, figure).median:.2f}"

    def _groups(self) -> Groups:
        return {
            f"{call}: {title}": {
                door: sum(self._stat(call, door, name).median for name in names) for door in self._doors(call)
            }
            for call in self._calls()
            for title, names in _CHARTED.items()
        }

    def _calls(self) -> list[str]:
        return list(dict.fromkeys(cell.call for cell in self.cells))

    def _doors(self, call: str) -> list[str]:
        return [door for door in DOORS if any((cell.call, cell.door) == (call, door) for cell in self.cells)]

    def _stat(self, call: str, door: str, figure: str) -> Stat:
        found = Stat.of(getattr(cell, figure) for cell in self.cells if (cell.call, cell.door) == (call, door))
        if found is None:
            raise LookupError(f"{call} was not measured over {door}")
        return found
