"""A chart of horizontal bars as SVG text. The same figures always give the same text."""

from collections.abc import Mapping
from html import escape
from typing import Final

_COLOURS: Final = ("#9aa5b1", "#2f6f9f", "#7fb069", "#4f8a5b", "#e08a2e", "#b5484f", "#8f6bb3", "#c9b458")
_FONT: Final = 'font-family="sans-serif" font-size="12"'
_WIDTH: Final = 860
_LEFT: Final = 230
_RIGHT: Final = 70
_BAR: Final = 14
_GAP: Final = 14
_LEGEND_TOP: Final = 34
_LEGEND_LINE: Final = 20
_LEGEND_COLUMN: Final = 200

Groups = Mapping[str, Mapping[str, float]]


def bar_chart(title: str, groups: Groups) -> str:
    """One group of bars for each of `groups`, by series; the longest bar of a group fills the width."""
    series = list(dict.fromkeys(name for values in groups.values() for name in values))
    top = _LEGEND_TOP + _LEGEND_LINE * (_legend_place(len(series) - 1)[1] + 1) + _GAP
    height = top + sum(len(values) * _BAR + _GAP for values in groups.values())
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" {_FONT}>',
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        _text(12, 22, title, 'font-size="15" font-weight="bold"'),
        *_legend(series),
    ]
    for name, values in groups.items():
        parts += _group(name, values, series, top)
        top += len(values) * _BAR + _GAP
    return "\n".join([*parts, "</svg>\n"])


def _legend_place(at: int) -> tuple[int, int]:
    """The column and the line of a series."""
    columns = _WIDTH // _LEGEND_COLUMN
    return at % columns, max(at, 0) // columns


def _legend(series: list[str]) -> list[str]:
    parts = []
    for at, (name, colour) in enumerate(zip(series, _COLOURS, strict=False)):
        column, line = _legend_place(at)
        x, y = 12 + column * _LEGEND_COLUMN, _LEGEND_TOP + line * _LEGEND_LINE
        parts += [f'<rect x="{x}" y="{y}" width="12" height="12" fill="{colour}"/>', _text(x + 17, y + 10, name)]
    return parts


def _group(name: str, values: Mapping[str, float], series: list[str], y: int) -> list[str]:
    scale = (_WIDTH - _LEFT - _RIGHT) / max(values.values())
    parts = [_text(_LEFT - 10, y + len(values) * _BAR // 2 + 4, name, 'text-anchor="end"')]
    for at, (each, value) in enumerate(values.items()):
        top, width, colour = y + at * _BAR, value * scale, _COLOURS[series.index(each)]
        parts.append(f'<rect x="{_LEFT}" y="{top}" width="{width:.1f}" height="{_BAR - 2}" fill="{colour}"/>')
        parts.append(_text(_LEFT + width + 5, top + 10, _figure(value), 'font-size="10"'))
    return parts


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2f}"


def _text(x: float, y: float, text: str, more: str = "") -> str:
    return f'<text x="{x:.0f}" y="{y}" fill="#222222" {more}>{escape(text)}</text>'
