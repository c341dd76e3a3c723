"""The rows of sysmicro: each in a process (or guest) of its own, native, guests and peers taking turns."""
import json
import os

import guest
import peers

# What a guest on the engine kvm may cost, in times of native Linux; None: measured, without a goal.
GOALS = {
    "int_loop": None, "memcpy_1m": None, "getppid": 0.6, "clock_syscall": None, "clock_libc": 1.5, "open_close": 1,
    "stat": 1, "fstat": 1, "pread_1": 1, "pread_4k": None, "pread_64k": 1.2, "pwrite_4k": None, "getdents_64": None,
    "mmap_munmap": 1.5, "page_fault": 1, "brk": None, "sched_yield": None, "nanosleep_1us": None, "sig_install": 1,
    "sig_deliver": 1.5, "mutex": None, "futex_pingpong": 1, "thread_create": 2, "fork_wait": 5, "fork_exec": 1.5,
    "pipe_pingpong": 1, "pipe_bw_64k": None, "unix_pingpong": 1, "tcp_pingpong": 1, "tcp_bw_64k": 1,
    "udp_pingpong": None, "epoll_ready": 1,
}
# What a guest in the emulator may cost, in times of a Linux guest there: every row, and their geometric mean.
EMULATOR_GOAL, EMULATOR_MEAN_GOAL = 1.0, 0.5
SECONDS = 30


def program(row, quick=False):
    return ["/bin/sysmicro", "--json", "--pin", "0", "--only", row, *(["--quick"] if quick else [])]


def value(result):
    """The nanoseconds of one of sysmicro's results. CannotRun when it has none."""
    if not result:
        raise guest.CannotRun("no such row")
    if "skip" in result:
        raise guest.CannotRun(result["text"])
    return result["ns_per_op"]


def measure_once(name, row, quick):
    place = ["--dir", "/dev/shm" if os.access("/dev/shm", os.W_OK) else "/tmp"] if name == "native" else ["--dir", "/tmp"]
    done = guest.run_program(None if name == "native" else name, program(row, quick) + place, SECONDS)
    return value((json.loads(done.stdout) or [None])[0])


def add(cell, measured):
    """One more run's figure, or why there is none."""
    try:
        cell.setdefault("runs", []).append(measured())
        cell["ns"] = min(cell["runs"])
    except guest.CannotRun as reason:
        cell.clear()
        cell["why"] = str(reason)


def measure(rows, engines, linuxes, repeats, quick):
    """{row: {"native", engine or peer: {"runs": [ns], "ns": their minimum} or {"why": text}}}."""
    places = {"native": None, **engines, **linuxes}
    table = {row: {name: {"why": why} if why else {} for name, why in places.items()} for row in rows}
    for repeat in range(repeats):
        for row in rows:
            guest.note(f"bench: {row} ({repeat + 1}/{repeats})")
            for name in ("native", *engines):
                if "why" not in table[row][name]:
                    add(table[row][name], lambda: measure_once(name, row, quick))
        for name in linuxes:
            left = [row for row in rows if "why" not in table[row][name]]
            if not left:
                continue
            guest.note(f"bench: {name} ({repeat + 1}/{repeats})")
            measure_together(table, name, left, quick)
    return table


def measure_together(table, name, rows, quick):
    """One more run of these rows in one guest."""
    try:
        results, _, _ = peers.run(name, rows, quick)
        for row in rows:
            add(table[row][name], lambda: value(results.get(row)))
    except guest.CannotRun as reason:
        for row in rows:
            table[row][name] = {"why": str(reason)}
