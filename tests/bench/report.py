"""The results as a table for people and as docs/BENCHMARKS.md."""
import statistics

import guest
import rows

INTRODUCTION = """# Benchmarks

Written by `./dev bench --document`: {machine}. Everything in one table was measured in one run, all taking turns, on one
CPU each; each figure is the minimum of {repeats} runs. Absolute figures drift with the machine and what else it does: read
the ratios.

The rows are those of `tests/bench/sysmicro`, the same static binary everywhere; `x` is how many times the native cost.
A row without a figure says why below. `kvm` is {kvm}; `qemu-tcg` is QEMU's emulator with
the isolated kernel; `linux-tcg` is Debian's cloud kernel in the same emulator, `uml` User Mode Linux. `goal` is what `x` of
`kvm` may be; `÷ linux` is `qemu-tcg` beside `linux-tcg`, which may be {emulator} at most and {mean} on geometric average. Figures
above their goals are **bold**.

![how many times the native cost](benchmarks.svg)
"""
EVENTS = (("trapped_calls", "trapped calls"), ("direct_calls", "direct calls"), ("gate_calls", "gate calls"),
          ("page_faults", "page faults"), ("cow_copies", "copies"), ("context_switches", "switches"),
          ("interrupts", "interrupts"))


def number(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}"


def times(value):
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"


def columns(result):
    """Engines, and those peers that gave any figure."""
    return [name for name in (*result["engines"], *result["peers"])
            if any("ns" in cells[name] for cells in result["rows"].values())]


def ratio(cells, name, base):
    """`name`'s cost in times of `base`'s, or None."""
    ns, of = cells.get(name, {}).get("ns"), cells.get(base, {}).get("ns")
    return ns / of if ns and of else None


def judged(value, goal):
    if value is None:
        return "–"
    return f"**{times(value)}**" if goal is not None and value > goal else times(value)


def row_cells(row, cells, names):
    goal = rows.GOALS.get(row)
    native = cells["native"].get("ns")
    text = [number(native) if native else "–"]
    for name in names:
        ns = cells[name].get("ns")
        text += [number(ns) if ns else "–", judged(ratio(cells, name, "native"), goal if name == "kvm" else None)]
        if name == "kvm":
            text.append(f"{goal:g}" if goal is not None else "")
    if "linux-tcg" in names:
        text.append(judged(ratio(cells, "qemu-tcg", "linux-tcg"), rows.EMULATOR_GOAL))
    return text


def rows_table(result):
    names = columns(result)
    head = ["ns per operation", "native"]
    for name in names:
        head += [name, "x", *(["goal"] if name == "kvm" else [])]
    if "linux-tcg" in names:
        head.append("÷ linux")
    lines = [f"| {' | '.join(head)} |", "|---|" + "---:|" * (len(head) - 1)]
    lines += [f"| {row} | {' | '.join(row_cells(row, cells, names))} |" for row, cells in result["rows"].items()]
    ratios = [r for cells in result["rows"].values() if (r := ratio(cells, "qemu-tcg", "linux-tcg"))]
    if ratios:
        mean = statistics.geometric_mean(ratios)
        lines.append(f"| geometric mean |{' |' * (len(head) - 2)} {judged(mean, rows.EMULATOR_MEAN_GOAL)} |")
    return lines


def above_goal(result):
    """The rows of which a figure is above its goal."""
    def above(row, cells):
        kvm, linux, goal = ratio(cells, "kvm", "native"), ratio(cells, "qemu-tcg", "linux-tcg"), rows.GOALS.get(row)
        return (kvm and goal is not None and kvm > goal) or (linux and linux > rows.EMULATOR_GOAL)
    return [row for row, cells in result["rows"].items() if above(row, cells)]


def in_instructions(result, row, name):
    """How many an operation takes in the emulator, and what one costs there: the two multiplied are the row."""
    count = result["row_instructions"].get(row, {}).get(name)
    ns = result["rows"][row].get(name, {}).get("ns")
    return f"{count:.0f} of {ns / count:.2f} ns" if count and ns else "–"


def breakdown_table(result):
    """What rows consist of, where that was counted."""
    if not result["events"]:
        return []
    head = ["per operation: on kvm", *(title for _, title in EVENTS), "instructions in qemu-tcg", "in linux-tcg"]
    lines = [f"| {' | '.join(head)} |", "|---|" + "---:|" * (len(head) - 1)]
    for row, counts in result["events"].items():
        cells = ["–" if "why" in counts else f"{counts[name]:.3g}" if counts[name] >= 0.01 else "0" for name, _ in EVENTS]
        cells += [in_instructions(result, row, name) for name in ("qemu-tcg", "linux-tcg")]
        lines.append(f"| {row} | {' | '.join(cells)} |")
    return lines


def reasons(result):
    """One line per cell without a figure; cells of one engine with the same reason share it."""
    grouped = {}
    for row, by_name in result["rows"].items():
        for name, cell in by_name.items():
            if "why" in cell:
                grouped.setdefault((name, cell["why"]), []).append(row)
    return [f"- {name}, {'all rows' if len(rows_) == len(result['rows']) else ', '.join(rows_)}: {why}"
            for (name, why), rows_ in grouped.items()]


def startup_lines(result):
    lines = []
    for name, cell in result["latency"].items():
        what = "`astra run`" if name in result["engines"] else "its start"
        value = cell.get("why") or f"{cell['min_ms']:.1f} / {cell['median_ms']:.1f} ms"
        lines.append(f"| from {what} to the program's first byte, {name}, min / median of {cell.get('launches', 0)} | {value} |")
    for name, cell in result["latency"].items():
        value = cell.get("why") or f"{cell['peak_kib'] / 1024:.0f} MiB"
        lines.append(f"| memory resident in its largest process until then, guest of {guest.MEMORY_MIB} MiB, {name} | {value} |")
    cell = result["daemon"]
    value = cell.get("why") or f"{cell['launch_ms']:.1f} ms, {cell['per_second']:.1f} a second one after the other"
    lines.append(f"| `astra launch` through the daemon until the program runs, kvm, min of {result['launches']} | {value} |")
    cell = result.get("fleet", {"why": "not measured"})
    what = f"with {cell['guests']} guests" if "guests" in cell else "with many guests"
    value = cell.get("why") or f"{cell['p50_ms']:.2f} / {cell['p99_ms']:.2f} ms"
    lines.append(f"| a call of the daemon {what}, by a Python client, p50 / p99 | {value} |")
    value = cell.get("why") or f"{cell['stream_share']:.1%} of a CPU"
    lines.append(f"| the daemon while it streams all their counters 10 times a second | {value} |")
    for name, cell in result.get("counting", {}).items():
        value = cell.get("why") or (f"{cell['counted_ns']:.0f} ns, {cell['timed_ns']:.0f} ns"
                                    f" ({cell['timed_ns'] / cell['counted_ns'] - 1:+.0%})")
        lines.append(f"| getppid counted, and timed as well (`--stats`), {name} | {value} |")
    cell = result["instructions"]
    for key, text in (("kernel_ready", "guest instructions, kernel entry → ready for programs"),
                      ("entry_to_user", "guest instructions, kernel entry → first user instruction"),
                      ("reset_to_user", "guest instructions, reset (QEMU's firmware included) → first user instruction")):
        lines.append(f"| {text} | {cell.get('why') or format(cell[key], ',')} |")
    cell = result["memory"]
    value = cell.get("why") or f"{cell['rss_kib']} KiB resident, {cell['private_kib']} KiB of it private"
    lines.append(f"| astra-vmm beside the guest's RAM and image | {value} |")
    for name, cell in result["smp"].items():
        value = cell.get("why") or f"{cell['two_ns'] / cell['one_ns']:.2f}"
        lines.append(f"| smp: four computing threads on 2 CPUs, time against 1 CPU, {name} | {value} |")
    return ["| start and upkeep | |", "|---|---|", *lines]


def body(result):
    parts = [rows_table(result), reasons(result), breakdown_table(result), startup_lines(result)]
    return [line for part in parts if part for line in (*part, "")][:-1]


def document(result):
    head = INTRODUCTION.format(machine=result["machine"], repeats=result["repeats"], kvm=result["kvm"],
                               emulator=f"{rows.EMULATOR_GOAL:g}", mean=f"{rows.EMULATOR_MEAN_GOAL:g}")
    return "\n".join([head, *body(result)]) + "\n"
