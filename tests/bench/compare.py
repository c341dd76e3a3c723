"""./dev bench --compare OLD.json: what has become slower beyond noise.

The machine drifts between two runs: figures are compared after dividing by how much the native rows have moved (their
median). A row's noise is what its own runs say, in either run: how far the median of them lies above the minimum."""
import statistics

LEAST_RUNS = 5
TOLERANCE = 0.10


class TooFew(Exception):
    """A result has not enough runs to tell a regression from noise."""


def noise(cell):
    return statistics.median(cell["runs"]) / cell["ns"] - 1


def both(old, new, row, name):
    """The cells of both results, when both have a figure."""
    cells = [result["rows"].get(row, {}).get(name, {}) for result in (old, new)]
    return cells if all("ns" in cell for cell in cells) else None


def drift(old, new):
    """How many times slower the machine is now."""
    moved = [pair[1]["ns"] / pair[0]["ns"] for row in new["rows"] if (pair := both(old, new, row, "native"))]
    return statistics.median(moved) if moved else 1.0


def check(result, title):
    if result["repeats"] < LEAST_RUNS:
        raise TooFew(f"{title} has minima of {result['repeats']} runs; {LEAST_RUNS} are needed")


def changes(old, new):
    """[(row, engine, new ÷ old without the machine's drift, what noise allows)], the worst first. TooFew."""
    check(old, "the old result")
    check(new, "the new result")
    machine = drift(old, new)
    found = []
    for row in new["rows"]:
        for name in new["engines"]:
            pair = both(old, new, row, name)
            if pair:
                times = pair[1]["ns"] / pair[0]["ns"] / machine
                found.append((row, name, times, 1 + max(TOLERANCE, *map(noise, pair))))
    return sorted(found, key=lambda change: change[3] - change[2])


def lines(old, new):
    """(text for people, whether something has become slower)."""
    all_changes = changes(old, new)
    slower = [change for change in all_changes if change[2] > change[3]]
    faster = [change for change in all_changes if change[2] * change[3] < 1]
    text = [f"compared: {len(all_changes)} figures; the machine is {drift(old, new):.2f} times as slow as then"]
    for title, those in (("SLOWER", slower), ("faster", faster)):
        text += [f"{title} {row} on {name}: {times:.2f} times (noise: up to {limit:.2f})" for row, name, times, limit in those]
    return text, bool(slower)
