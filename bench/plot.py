"""A bar chart as SVG, small enough to be kept among the documents."""

from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import escape

_WIDTH, _LABEL, _BAR, _GAP, _GROUP = 720, 210, 20, 4, 34
_COLOURS = ("#1f6f6b", "#9aa5b1", "#c3cad2", "#e0e4e8")


def write_bars(path: Path, title: str, groups: Mapping[str, Mapping[str, float]]) -> None:
    """One group of bars for each entry of `groups`; the longest bar fills the width."""
    longest = max(value for bars in groups.values() for value in bars.values())
    scale = (_WIDTH - _LABEL - 60) / longest
    lines, y = [f'<text x="0" y="18" font-weight="bold">{escape(title)}</text>'], 30
    for name, bars in groups.items():
        lines.append(f'<text x="0" y="{y + 16}" fill="#555">{escape(name)}</text>')
        y += _GROUP - 10
        for number, (label, value) in enumerate(bars.items()):
            colour = _COLOURS[min(number, len(_COLOURS) - 1)]
            width = max(1.0, value * scale)
            middle = y + _BAR * 0.72
            lines.append(f'<text x="{_LABEL - 8}" y="{middle:.0f}" text-anchor="end">{escape(label)}</text>')
            lines.append(f'<rect x="{_LABEL}" y="{y}" width="{width:.1f}" height="{_BAR}" fill="{colour}"/>')
            lines.append(f'<text x="{_LABEL + width + 6:.1f}" y="{middle:.0f}">{value:.1f}</text>')
            y += _BAR + _GAP
        y += 8
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {y}" role="img" font-family="sans-serif"'
    head += f' font-size="13"><title>{escape(title)}</title><rect width="{_WIDTH}" height="{y}" fill="#fff"/>'
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([head, *lines, "</svg>", ""]))
