"""What a row consists of: events per operation in a guest on software KVM, where each has its price, and instructions per
operation in the emulator, in ASTRA's guest and in a Linux guest."""
import json
import os

import guest
import peers
import rows
import startup

COUNTERS = ("trapped_calls", "direct_calls", "gate_calls", "page_faults", "cow_copies", "context_switches", "interrupts")


def counted(row):
    """({counter: events of a whole run}, operations of it). CannotRun when the row did."""
    report = os.path.join(guest.WORK, "stats.json")
    done = guest.run_program("kvm", rows.program(row) + ["--dir", "/tmp"], rows.SECONDS,
                             ["--stats=json", "--stats-file", report])
    result = (json.loads(done.stdout) or [None])[0]
    if row != "none":
        rows.value(result)
    with open(report) as file:
        counters = json.load(file)["statistics"]["counters"]
    return {name: counters[name] for name in COUNTERS}, result["total_ops"] if result else 0


def events(names, obstacle):
    """{row: {counter: events per operation}, or {"why"}}; what sysmicro itself does before and after is taken off."""
    if obstacle:
        return {row: {"why": obstacle} for row in names}
    if not names:
        return {}
    table = {}
    start, _ = counted("none")
    for row in names:
        guest.note(f"bench: events of {row}")
        try:
            counts, operations = counted(row)
            table[row] = {name: max(0, counts[name] - start[name]) / operations for name in COUNTERS}
        except guest.CannotRun as reason:
            table[row] = {"why": str(reason)}
    return table


def instructions(names, linux_obstacle, emulator_obstacle):
    """{row: {"qemu-tcg" and "linux-tcg": instructions per operation}}, rows without a figure left out. With -icount the guests'
    nanoseconds are instructions; a guest that waits has time pass that it does not count."""
    environment = startup.icount_environment()
    table = {row: {} for row in names}
    for row in names if not emulator_obstacle else []:
        guest.note(f"bench: instructions of {row}")
        try:
            done = guest.run_program("qemu-tcg", rows.program(row, quick=True) + ["--dir", "/tmp"], rows.SECONDS, (), environment)
            table[row]["qemu-tcg"] = rows.value(json.loads(done.stdout)[0])
        except guest.CannotRun as reason:
            guest.note(f"bench: {row}: {reason}")
    if names and not linux_obstacle:
        guest.note("bench: instructions of the Linux guest")
        try:
            results, _, _ = peers.run("linux-tcg", names, quick=True, icount=True)
            for row, result in results.items():
                if "ns_per_op" in result:
                    table[row]["linux-tcg"] = result["ns_per_op"]
        except guest.CannotRun as reason:
            guest.note(f"bench: {reason}")
    return table
