"""What a second CPU is worth: four computing threads on two CPUs against one, natively and in guests."""
import os

import guest

SECONDS = 60
ROUNDS = {"native": 20, "kvm": 20, "qemu-tcg": 3}


def round_ns(name, cpus):
    """Nanoseconds of the fastest round of smp.c on `cpus` CPUs. CannotRun when there are not so many."""
    if len(os.sched_getaffinity(0)) < cpus:
        raise guest.CannotRun(f"this machine has fewer than {cpus} CPUs")
    program = ["/bin/smp", str(ROUNDS[name])]
    if name != "native":
        return int(guest.run_program(name, program, SECONDS, ["--cpus", str(cpus)]).stdout)
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(allowed)[:cpus])
    try:
        return int(guest.run_program(None, program, SECONDS).stdout)
    finally:
        os.sched_setaffinity(0, allowed)


def measure(engines, repeats):
    """{"native" or engine: {"one_ns", "two_ns"} or {"why"}}: minima over the repeats, all taking turns."""
    table = {name: {"why": why} if why else {} for name, why in {"native": None, **engines}.items()}
    for repeat in range(repeats):
        guest.note(f"bench: smp ({repeat + 1}/{repeats})")
        for name, cell in table.items():
            if "why" in cell:
                continue
            try:
                for key, cpus in (("one_ns", 1), ("two_ns", 2)):
                    ns = round_ns(name, cpus)
                    cell[key] = min(ns, cell.get(key, ns))
            except guest.CannotRun as reason:
                table[name] = {"why": str(reason)}
    return table
