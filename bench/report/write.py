"""Writes a report: `python -m bench.report.write` makes it again from bench/results/report.json."""

import sys
from pathlib import Path

from bench.measuring.results import Results
from bench.report.charts import CHARTS
from bench.report.goals import judged
from bench.report.markdown import markdown
from bench.report.stats import Figures


def write(results: Results, folder: Path) -> str:
    """report.json, report.md and the charts, into `folder`; what is said about it: the goals, a line each."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = results.text()
    figures = Figures(Results.read(kept))
    (folder / "report.json").write_text(kept)
    (folder / "report.md").write_text(markdown(figures))
    for chart in CHARTS:
        (folder / chart.file).write_text(chart.svg(figures))
    lines = [
        f"{met:<14} {goal.what}{f', against {goal.against}' if goal.against else ''}: {found} (goal {goal.wanted})"
        for goal, found, met in judged(figures)
    ]
    return "\n".join([*lines, f"The report is {folder / 'report.md'}", ""])


if __name__ == "__main__":
    there = Path(__file__).parents[1] / "results"
    sys.stdout.write(write(Results.read((there / "report.json").read_text()), there))
