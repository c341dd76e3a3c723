"""The results as a table for people and as docs/BENCHMARKS.md."""

INTRODUCTION = """# Benchmarks

Written by `./dev bench --document`: {machine}. Everything in one table was measured in one run, native and guests
taking turns, guests with one CPU; each figure is the minimum of {repeats} runs. Absolute figures drift with the machine and what else it
does: read the ratios.

The rows are those of `tests/bench/sysmicro`, the same static binary everywhere; `x` is how many times the native cost.
A row without a figure says why below. `kvm` is {kvm}; `qemu-tcg` is QEMU's emulator with
the isolated kernel.
"""


def number(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}"


def cells(row, names):
    native = row["native"].get("ns")
    text = [number(native) if native else "–"]
    for name in names:
        ns = row[name].get("ns")
        text += [number(ns) if ns else "–", f"{ns / native:.1f}" if ns and native else "–"]
    return text


def rows_table(result):
    names = list(result["engines"])
    lines = ["| ns per operation | native | " + " | ".join(f"{name} | x" for name in names) + " |",
             "|---|" + "---:|" * (1 + 2 * len(names))]
    lines += [f"| {row} | " + " | ".join(cells(result["rows"][row], names)) + " |" for row in result["rows"]]
    return lines


def reasons(result):
    """One line per cell without a figure; cells of one engine with the same reason share it."""
    grouped = {}
    for row, by_name in result["rows"].items():
        for name, cell in by_name.items():
            if "why" in cell:
                grouped.setdefault((name, cell["why"]), []).append(row)
    return [f"- {name}, {', '.join(rows)}: {why}" for (name, why), rows in grouped.items()]


def startup_lines(result):
    lines = []
    for name, cell in result["latency"].items():
        value = cell.get("why") or f"{cell['min_ms']:.1f} / {cell['median_ms']:.1f} ms"
        lines.append(f"| `astra run` to the program's first byte, {name}, min / median of {result['launches']} | {value} |")
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
    why = reasons(result)
    return [*rows_table(result), "", *([*why, ""] if why else []), *startup_lines(result)]


def document(result):
    head = INTRODUCTION.format(machine=result["machine"], repeats=result["repeats"], kvm=result["kvm"])
    return "\n".join([head, *body(result)]) + "\n"
