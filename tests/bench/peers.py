"""Linux as a guest, to compare with: Debian's kernel in the same emulator, and User Mode Linux. One boot measures all
rows, with sysmicro as the first process."""
import json
import os
import shutil
import signal
import subprocess
import time

import guest

SECONDS = 240
KERNEL = os.path.join(guest.ROOT, "tests", "lab", "fetch-kernel")
INITRAMFS = os.path.join(guest.WORK, "linux.cpio")


def obstacles():
    """{peer: None, or why it cannot be measured}."""
    found = {"linux-tcg": None, "uml": None}
    if not shutil.which("qemu-system-x86_64"):
        found["linux-tcg"] = "qemu-system-x86_64 is not in PATH"
    else:
        fetched = subprocess.run([KERNEL], capture_output=True, text=True)
        if fetched.returncode:
            found["linux-tcg"] = fetched.stderr.strip().partition("\n")[0]
    if not shutil.which("linux.uml"):
        found["uml"] = "the package user-mode-linux is not installed"
    if not shutil.which("cpio"):
        found = dict.fromkeys(found, "cpio is not in PATH")
    return found


def build_initramfs():
    """sysmicro as /init: it loads nothing, mounts nothing and ends with the power."""
    root = os.path.join(guest.WORK, "linux")
    for directory in ("dev", "tmp"):
        os.makedirs(os.path.join(root, directory), exist_ok=True)
    shutil.copy(os.path.join(guest.WORK, "root", "bin", "sysmicro"), os.path.join(root, "init"))
    with open(INITRAMFS, "wb") as file:
        subprocess.run(["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"], input=b"init\ndev\ntmp\n", stdout=file,
                       cwd=root, check=True)


def tsc_khz():
    """Of this machine, which the emulator hands on: the guest's own calibration is too coarse there."""
    def now():
        first, clock, later = map(int, guest.run_program(None, ["/bin/first_tsc"], 10).stdout.split())
        return (first + later) / 2, clock
    tsc, clock = now()
    time.sleep(0.5)
    later_tsc, later_clock = now()
    return round((later_tsc - tsc) * 1e6 / (later_clock - clock))


def command(peer, words, icount):
    if peer == "uml":
        return ["linux.uml", f"mem={guest.MEMORY_MIB}M", f"initrd={INITRAMFS}", "rdinit=/init", "con=null", "con0=null,fd:1",
                "quiet", "loglevel=1", "--", *words]
    kernel = subprocess.run([KERNEL], capture_output=True, text=True, check=True).stdout.strip()
    khz = 1000000 if icount else tsc_khz()    # with -icount a tick is an instruction, one a nanosecond
    append = ["console=ttyS0", "quiet", "loglevel=1", "panic=-1", "tsc=reliable", f"tsc_early_khz={khz}",
              "no_timer_check", "mitigations=off", "--", *words]
    return ["qemu-system-x86_64", "-M", "q35", "-accel", f"tcg,thread={'single' if icount else 'multi'}",
            *(["-icount", "shift=0,sleep=off"] if icount else []), "-cpu", "max", "-smp", "1", "-m",
            str(guest.MEMORY_MIB), "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-kernel",
            os.path.join(kernel, "vmlinuz"), "-initrd", INITRAMFS, "-append", " ".join(append), "-serial", "stdio"]


def run(peer, rows, quick=False, icount=False):
    """Boots once: ({row: sysmicro's result}, milliseconds to the first line, KiB of memory that its largest process had
    resident at most). CannotRun when it does not get that far."""
    words = command(peer, ["--json", "--only", ",".join(rows), *(["--quick"] if quick else [])], icount)
    start = time.monotonic()
    child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                             start_new_session=True)    # UML is many processes
    watch = guest.after(SECONDS, lambda: os.killpg(child.pid, signal.SIGKILL))
    text, boot_ms, ended = "", None, False
    for line in child.stdout:
        line = line.decode(errors="replace")
        if boot_ms is None and "# sysmicro" in line:
            boot_ms = (time.monotonic() - start) * 1e3
        elif "# sysmicro end" in line:
            ended = True
            break
        elif boot_ms is not None:
            text += line
    late = not watch.is_alive()
    watch.cancel()
    peak_kib = end_group(child)
    if not ended:
        raise guest.CannotRun(f"no end within {SECONDS} s" if late else "the guest ended early")
    try:
        return {result["name"]: result for result in json.loads(text)}, boot_ms, peak_kib
    except ValueError:
        raise guest.CannotRun("sysmicro's lines were garbled") from None


def end_group(child):
    """Lets it power off, or kills it, and what it has left; the most KiB that were resident."""
    watch = guest.after(2, lambda: os.killpg(child.pid, signal.SIGKILL))
    peak_kib = guest.reap(child)
    watch.cancel()
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    child.stdout.close()
    return peak_kib
