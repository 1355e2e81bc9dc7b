"""Numbers and tables as the report has them."""

from collections.abc import Iterable, Sequence

from bench.report.stats import Stat

NOTHING = "–"


def number(value: float) -> str:
    """To three digits, and none of a whole number lost."""
    if value == 0:
        return "0"
    size = abs(value)
    for bound, digits in ((100, 0), (10, 1), (1, 2)):
        if size >= bound:
            return f"{value:,.{digits}f}"
    return f"{value:.3f}"


def median(stat: Stat | None) -> str:
    return NOTHING if stat is None else number(stat.median)


def ranged(stat: Stat | None) -> str:
    """The median; the least and the most after it where several rounds differ."""
    if stat is None:
        return NOTHING
    if number(stat.least) == number(stat.most):
        return number(stat.median)
    return f"{number(stat.median)} ({number(stat.least)}–{number(stat.most)})"


def spread(stat: Stat | None) -> str:
    """How far the rounds lie apart, in percent of their median."""
    if stat is None or stat.least == stat.most:
        return NOTHING
    return f"{(stat.most - stat.least) / stat.median * 100:.0f} %"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
