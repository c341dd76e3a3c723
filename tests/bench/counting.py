"""What it costs to measure every system call: getppid counted and timed, against counted alone."""
import json

import guest
import rows

ROW = "getppid"


def nanoseconds(engine, options):
    done = guest.run_program(engine, [*rows.program(ROW), "--dir", "/tmp"], rows.SECONDS, options)
    return rows.value((json.loads(done.stdout) or [None])[0])


def measure(engines, repeats):
    """{engine: {"counted_ns", "timed_ns"} or {"why"}}: minima over the repeats, taking turns."""
    table = {name: {"why": why} if why else {} for name, why in engines.items()}
    for _ in range(repeats):
        for name, cell in table.items():
            if "why" in cell:
                continue
            try:
                for key, options in (("counted_ns", []), ("timed_ns", ["--stats"])):
                    ns = nanoseconds(name, options)
                    cell[key] = min(ns, cell.get(key, ns))
            except guest.CannotRun as reason:
                table[name] = {"why": str(reason)}
    return table
