"""Builds the benchmark programs and runs them: natively, and in ASTRA guests on each engine."""
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.environ.get("ASTRA_BUILD", os.path.join(ROOT, "build"))
ASTRA = os.path.join(BUILD, "bin", "astra")
WORK = os.path.join(BUILD, "bench")
IMAGE = os.path.join(WORK, "bench.tar")
MEMORY_MIB = 256


class CannotRun(Exception):
    """Why a row has no number, in a few words."""


def build_programs():
    """Compiles sysmicro, smp and first_tsc statically and packs them, with busybox, into IMAGE."""
    programs = os.path.join(WORK, "root", "bin")
    os.makedirs(programs, exist_ok=True)
    os.makedirs(os.path.join(WORK, "root", "tmp"), exist_ok=True)
    flags = ["gcc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-static", "-I", ROOT]
    sources = sorted(glob.glob(os.path.join(HERE, "sysmicro", "*.c")))
    subprocess.run([*flags, "-pthread", *sources, "-o", os.path.join(programs, "sysmicro")], check=True)
    subprocess.run([*flags, "-pthread", os.path.join(HERE, "smp.c"), "-o", os.path.join(programs, "smp")], check=True)
    subprocess.run([*flags, "-nostdlib", "-fno-stack-protector", os.path.join(HERE, "first_tsc.c"), "-o",
                    os.path.join(programs, "first_tsc")], check=True)
    shutil.copy("/bin/busybox", programs)
    subprocess.run(["tar", "-C", os.path.join(WORK, "root"), "-cf", IMAGE, "--owner=0", "--group=0", "."], check=True)


def engines():
    """The engines to measure, with the reason why one cannot be: {name: None or text}."""
    report = json.loads(subprocess.run([ASTRA, "doctor", "-o", "json"], capture_output=True, text=True).stdout)
    found = {f["subject"]: f for f in report["findings"]}
    names = {"kvm": "engine kvm", "qemu-tcg": "engine qemu (TCG)"}
    return {name: None if found[subject]["level"] == "ok" else found[subject]["detail"] for name, subject in names.items()}


def command(engine, program, options=()):
    return [ASTRA, "run", "--engine", engine, "--rootfs", IMAGE, "--memory", f"{MEMORY_MIB}M", "--tty=off", *options,
            "--", *program]


def why(process):
    """The one line of stderr that tells what went wrong, or the exit status."""
    lines = [line for line in process.stderr.strip().splitlines() if line.startswith("astra: ")]
    return lines[0].removeprefix("astra: ") if lines else f"exit status {process.returncode}"


def run_program(engine, program, seconds, options=(), environment=None):
    """Runs `program` (engine None: natively) and returns the finished process. CannotRun when it failed."""
    if engine is None:
        words = [os.path.join(WORK, "root", program[0].lstrip("/")), *program[1:]]
    else:
        words = command(engine, program, ["--timeout", f"{seconds}s", *options])
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=seconds + 10, stdin=subprocess.DEVNULL,
                              env=environment)
    except subprocess.TimeoutExpired:
        raise CannotRun(f"no end within {seconds} s") from None
    if done.returncode != 0:
        raise CannotRun(why(done))
    return done


def reap(child):
    """Waits for a child of Popen; the most KiB that the largest process of it and its children had resident."""
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_maxrss


def time_to_first_byte(engine):
    """(seconds from starting `astra run` to the program's first byte, KiB of memory resident at most in its largest
    process). CannotRun when no byte comes."""
    start = time.monotonic()
    with tempfile.TemporaryFile("w+") as errors:
        child = subprocess.Popen(command(engine, ["/bin/first_tsc"], ["--timeout", "20s"]), stdout=subprocess.PIPE,
                                 stderr=errors, stdin=subprocess.DEVNULL)
        first = os.read(child.stdout.fileno(), 1)
        elapsed = time.monotonic() - start
        child.stdout.close()
        peak_kib = reap(child)
        if not first:
            errors.seek(0)
            raise CannotRun(errors.read().strip().partition("\n")[0] or f"exit status {child.returncode}")
    return elapsed, peak_kib


def after(seconds, action):
    """A timer that is running; cancel() it."""
    timer = threading.Timer(seconds, action)
    timer.daemon = True
    timer.start()
    return timer


def note(text):
    print(text, file=sys.stderr, flush=True)
