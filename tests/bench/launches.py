"""Launches through the daemon: `astra launch` of an imported image, one after the other, each guest running to its end."""
import contextlib
import os
import signal
import subprocess
import tempfile
import time

import guest

BIN = os.path.join(guest.BUILD, "bin")


def astra(socket, *words):
    done = subprocess.run([guest.ASTRA, words[0], "--host", socket, *words[1:]], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=60)
    if done.returncode:
        raise guest.CannotRun(guest.why(done))
    return done.stdout.strip()


def started(process, socket):
    for _ in range(100):
        if os.path.exists(socket):
            return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise guest.CannotRun("astrad did not start")


@contextlib.contextmanager
def daemon():
    """An astrad of its own: (process, its socket). CannotRun when it does not start."""
    with tempfile.TemporaryDirectory() as state:
        socket = os.path.join(state, "astra.sock")
        process = subprocess.Popen([os.path.join(BIN, "astrad"), "--state", state, "--log-level", "error"],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            started(process, socket)
            yield process, socket
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(10)


def measure(engines, count):
    """{"launch_ms": minimum, "per_second": of `count` guests that are launched one by one} or {"why"}."""
    if engines["kvm"]:
        return {"why": engines["kvm"]}
    try:
        with daemon() as (_, socket):
            astra(socket, "image", "import", "--name", "bench", guest.IMAGE)
            taken, begun = [], time.monotonic()
            for i in range(count):
                start = time.monotonic()
                astra(socket, "launch", "--image", "bench", "--engine", "kvm", "--memory", f"{guest.MEMORY_MIB}M",
                      "--name", f"guest{i}", "--", "/bin/first_tsc")
                taken.append(time.monotonic() - start)
            each = (time.monotonic() - begun) / count
            for i in range(count):
                astra(socket, "wait", f"guest{i}")
                astra(socket, "rm", f"guest{i}")
            return {"launch_ms": min(taken) * 1e3, "per_second": 1 / each}
    except guest.CannotRun as reason:
        return {"why": str(reason)}
