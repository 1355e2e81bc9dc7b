"""A chart of horizontal bars as SVG text."""

from collections.abc import Mapping
from html import escape
from typing import Final

_COLOURS: Final = ("#9aa5b1", "#2f6f9f", "#e08a2e")
_FONT: Final = 'font-family="sans-serif" font-size="12"'
_WIDTH: Final = 760
_LEFT: Final = 230
_RIGHT: Final = 70
_BAR: Final = 14
_GAP: Final = 14
_TOP: Final = 64

Groups = Mapping[str, Mapping[str, float]]


def bar_chart(title: str, groups: Groups) -> str:
    """One group of bars for each of `groups`, by series; the longest bar of a group fills the width."""
    series = list(dict.fromkeys(name for values in groups.values() for name in values))
    height = _TOP + len(groups) * (len(series) * _BAR + _GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" {_FONT}>',
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        _text(12, 22, title, 'font-size="15" font-weight="bold"'),
        *_legend(series),
    ]
    y = _TOP
    for name, values in groups.items():
        parts += _group(name, values, series, y)
        y += len(series) * _BAR + _GAP
    return "\n".join([*parts, "</svg>\n"])


def _legend(series: list[str]) -> list[str]:
    parts, x = [], 12
    for name, colour in zip(series, _COLOURS, strict=False):
        parts += [f'<rect x="{x}" y="34" width="12" height="12" fill="{colour}"/>', _text(x + 17, 44, name)]
        x += 40 + 7 * len(name)
    return parts


def _group(name: str, values: Mapping[str, float], series: list[str], y: int) -> list[str]:
    scale = (_WIDTH - _LEFT - _RIGHT) / max(values.values())
    parts = [_text(_LEFT - 10, y + len(series) * _BAR // 2 + 4, name, 'text-anchor="end"')]
    for at, (value, colour) in enumerate((values[each], _COLOURS[series.index(each)]) for each in values):
        top, width = y + at * _BAR, value * scale
        parts.append(f'<rect x="{_LEFT}" y="{top}" width="{width:.1f}" height="{_BAR - 2}" fill="{colour}"/>')
        parts.append(_text(_LEFT + width + 5, top + 10, f"{value:,.0f}", 'font-size="10"'))
    return parts


def _text(x: float, y: float, text: str, more: str = "") -> str:
    return f'<text x="{x:.0f}" y="{y}" fill="#222222" {more}>{escape(text)}</text>'
