"""The rows of sysmicro: each in a process (or guest) of its own, native and guests taking turns."""
import json

import guest

DEFAULT = ("int_loop", "memcpy_1m", "getppid", "clock_syscall", "clock_libc", "open_close", "stat", "fstat", "pread_1",
           "pread_4k", "pread_64k", "pwrite_4k", "getdents_64", "mmap_munmap", "page_fault", "brk", "sched_yield",
           "nanosleep_1us", "sig_install", "sig_deliver", "mutex", "futex_pingpong", "thread_create", "fork_wait",
           "fork_exec", "pipe_pingpong", "pipe_bw_64k", "epoll_ready")
SECONDS = 20


def measure_once(engine, row, quick):
    words = ["/bin/sysmicro", "--json", "--only", row, *(["--quick"] if quick else [])]
    if engine is not None:
        words += ["--dir", "/tmp"]
    result = json.loads(guest.run_program(engine, words, SECONDS).stdout)
    if not result:
        raise guest.CannotRun("no such row")
    if "skip" in result[0]:
        raise guest.CannotRun(result[0]["text"])
    return result[0]["ns_per_op"]


def measure(rows, engines, repeats, quick):
    """{row: {"native" or engine: {"ns": minimum over the repeats} or {"why": text}}}."""
    table = {row: {} for row in rows}
    for repeat in range(repeats):
        for row in rows:
            guest.note(f"bench: {row} ({repeat + 1}/{repeats})")
            for name, obstacle in {"native": None, **engines}.items():
                cell = table[row].setdefault(name, {})
                if "why" in cell:
                    continue
                try:
                    if obstacle:
                        raise guest.CannotRun(obstacle)
                    ns = measure_once(None if name == "native" else name, row, quick)
                    cell["ns"] = min(ns, cell.get("ns", ns))
                except guest.CannotRun as reason:
                    cell.clear()
                    cell["why"] = str(reason)
    return table
