"""What a guest costs to start and to keep: launch latency, instructions of boot, memory of the VMM."""
import glob
import json
import os
import shutil
import statistics
import subprocess
import time

import guest
import peers

PEER_LAUNCHES = 3    # they take seconds


def latency(engines, linuxes, launches):
    """{engine or peer: {"min_ms", "median_ms", "peak_kib", "launches"} or {"why"}}: from its start to the program's first
    byte, and the memory its largest process had resident. Engines take turns."""
    starts = {name: lambda name=name: guest.time_to_first_byte(name) for name in engines}
    starts |= {name: lambda name=name: boot(name) for name in linuxes}
    taken = {name: [] for name in starts}
    result = {name: {"why": why} for name, why in {**engines, **linuxes}.items() if why}
    for launch in range(launches):
        for name, start in starts.items():
            if name in result or (name in linuxes and launch >= PEER_LAUNCHES):
                continue
            try:
                taken[name].append(start())
            except guest.CannotRun as reason:
                result[name] = {"why": str(reason)}
    for name, all_starts in taken.items():
        if name not in result:
            ms = [seconds * 1e3 for seconds, _ in all_starts]
            result[name] = {"min_ms": min(ms), "median_ms": statistics.median(ms), "launches": len(ms),
                            "peak_kib": min(kib for _, kib in all_starts)}
    return result


def boot(peer):
    """As guest.time_to_first_byte, of a Linux guest with nothing to do."""
    _, boot_ms, peak_kib = peers.run(peer, ["none"])
    return boot_ms / 1e3, peak_kib


# Stands in for QEMU in PATH: the same machine, its clock counting instructions (one a nanosecond) and standing still
# while nothing is to be done.
SHIM = """#!/bin/bash
exec {qemu} "${{@/#tcg,thread=multi/tcg,thread=single}}" -icount shift=0,sleep=off
"""


def icount_environment():
    """An environment in which `astra` finds a QEMU that counts instructions; None without QEMU."""
    qemu = shutil.which("qemu-system-x86_64")
    if not qemu:
        return None
    folder = os.path.join(guest.WORK, "icount")
    os.makedirs(folder, exist_ok=True)
    shim = os.path.join(folder, "qemu-system-x86_64")
    with open(shim, "w") as file:
        file.write(SHIM.format(qemu=qemu))
    os.chmod(shim, 0o755)
    return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}


def instructions():
    """Guest instructions under QEMU with -icount, where a nanosecond, a tick of the TSC and an instruction are the same."""
    environment = icount_environment()
    if not environment:
        return {"why": "qemu-system-x86_64 is not in PATH"}
    try:
        done = guest.run_program("qemu-tcg", ["/bin/first_tsc"], 60, ["--stats=json"], environment)
    except guest.CannotRun as reason:
        return {"why": str(reason)}
    outcome = json.loads(done.stderr.strip().splitlines()[-1])
    first, clock, later = (int(word) for word in done.stdout.split())
    # The kernel's clock counts from its entry.
    return {"kernel_ready": outcome["boot_ns"], "entry_to_user": clock - (later - first), "reset_to_user": first}


def children(pid):
    found = []
    for path in glob.glob(f"/proc/{pid}/task/*/children"):
        with open(path) as file:
            found += [int(word) for word in file.read().split()]
    return found


def mappings(pid):
    """(kB of address space, of Rss, of private memory) of each mapping."""
    sizes = []
    with open(f"/proc/{pid}/smaps") as file:
        for line in file:
            key, _, value = line.partition(":")
            if key == "Size":
                sizes.append([int(value.split()[0]), 0, 0])
            elif key == "Rss":
                sizes[-1][1] = int(value.split()[0])
            elif key in ("Private_Clean", "Private_Dirty"):
                sizes[-1][2] += int(value.split()[0])
    return sizes


def memory(engines):
    """astra-vmm's own memory beside what the guest sees (its RAM and its copy of the image), in KiB."""
    if engines["kvm"]:
        return {"why": engines["kvm"]}
    # The copy is aligned and has an index: somewhat larger than the archive.
    image = os.path.getsize(guest.IMAGE) // 1024
    shown = {guest.MEMORY_MIB * 1024, *range(image, image * 9 // 8 + 64)}
    run = subprocess.Popen(guest.command("kvm", ["/bin/busybox", "cat"], ["--timeout", "20s"]),
                           stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        run.stdin.write(b"ready\n")
        run.stdin.flush()
        if not os.read(run.stdout.fileno(), 6):
            return {"why": "the guest ended"}
        time.sleep(0.2)
        own = [m for pid in children(run.pid) for m in mappings(pid) if m[0] not in shown]
        return {"rss_kib": sum(m[1] for m in own), "private_kib": sum(m[2] for m in own)}
    finally:
        run.kill()
        run.wait()
