"""The rows as an SVG picture: bars of how many times the native cost, on a logarithmic scale."""
import math
from xml.sax.saxutils import escape

COLOURS = {"kvm": "#1b7837", "qemu-tcg": "#2166ac", "linux-tcg": "#f4a582", "uml": "#999999"}
LEFT, WIDTH, BAR, GAP, TOP = 130, 640, 7, 6, 56
LEAST, MOST = 0.01, 1000.0


def at(times):
    """The place of a value between LEAST and MOST, in pixels from the left."""
    share = (math.log10(min(max(times, LEAST), MOST)) - math.log10(LEAST)) / math.log10(MOST / LEAST)
    return LEFT + share * WIDTH


def text(x, y, words, anchor="start", weight="normal"):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}">{escape(words)}</text>'


def bar(x, y, end, name, title):
    return (f'<rect x="{min(x, end):.1f}" y="{y:.1f}" width="{max(abs(end - x), 1):.1f}" height="{BAR - 1}" '
            f'fill="{COLOURS[name]}"><title>{escape(title)}</title></rect>')


def draw(rows, names):
    """The picture of {row: {"native" or name: {"ns"}}}; rows without a native figure are left out."""
    rows = {row: cells for row, cells in rows.items() if "ns" in cells["native"]}
    height = TOP + len(rows) * (len(names) * BAR + GAP) + 10
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 30}" height="{height}" '
             'font-family="sans-serif" font-size="11">', '<rect width="100%" height="100%" fill="white"/>',
             text(10, 16, "Cost of one operation, times native Linux (less is better)", weight="bold")]
    for i, name in enumerate(names):
        parts += [f'<rect x="{LEFT + i * 110}" y="24" width="10" height="10" fill="{COLOURS[name]}"/>',
                  text(LEFT + 14 + i * 110, 33, name)]
    for power in range(round(math.log10(LEAST)), round(math.log10(MOST)) + 1):
        x = at(10.0 ** power)
        parts += [f'<line x1="{x:.1f}" y1="{TOP - 4}" x2="{x:.1f}" y2="{height - 6}" stroke="{"#444" if power == 0 else "#ddd"}"/>',
                  text(x, TOP - 8, f"{10.0 ** power:g}", "middle")]
    y = TOP + 2
    for row, cells in rows.items():
        parts.append(text(LEFT - 8, y + len(names) * BAR / 2 + 4, row, "end"))
        for name in names:
            if "ns" in cells[name]:
                times = cells[name]["ns"] / cells["native"]["ns"]
                parts.append(bar(at(1), y, at(times), name, f"{row}, {name}: {times:.2f} times, {cells[name]['ns']:.0f} ns"))
            y += BAR
        y += GAP
    return "\n".join([*parts, "</svg>"]) + "\n"
