"""The daemon with many guests: what a call takes, and what it costs to tell everything about all of them ten times a second."""
import os
import subprocess
import time

import guest
import launches

PYTHON = "/usr/bin/python3"  # has Debian's grpcio
CALLS = 1000
SECONDS = 10
PER_SECOND = 10


def stubs():
    """A folder with the Python stubs of the daemon's interface."""
    folder = os.path.join(guest.WORK, "python")
    os.makedirs(folder, exist_ok=True)
    subprocess.run(["protoc", "-I", guest.ROOT, f"--python_out={folder}", f"--grpc_out={folder}",
                    "--plugin=protoc-gen-grpc=/usr/bin/grpc_python_plugin",
                    os.path.join(guest.ROOT, "control_proto", "astra.proto")], check=True)
    return folder


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def calls(socket):
    done = subprocess.run([PYTHON, os.path.join(guest.HERE, "unary.py"), socket, str(CALLS)], capture_output=True, text=True,
                          timeout=60, env={**os.environ, "PYTHONPATH": stubs()})
    if done.returncode:
        raise guest.CannotRun(done.stderr.strip().splitlines()[-1])
    return [float(word) for word in done.stdout.split()]


def stream_cost(daemon, socket):
    """Share of a CPU that the daemon takes while one client watches all guests' counters."""
    begun, used = time.monotonic(), cpu_seconds(daemon.pid)
    launches.astra(socket, "top", "--interval", f"{1000 // PER_SECOND}ms", "-n", str(SECONDS * PER_SECOND))
    return (cpu_seconds(daemon.pid) - used) / (time.monotonic() - begun)


def measure(engines, count):
    """{"guests", "p50_ms", "p99_ms": of a call, "stream_share": of a CPU} or {"why"}."""
    if engines["kvm"]:
        return {"why": engines["kvm"]}
    try:
        with launches.daemon() as (daemon, socket):
            launches.astra(socket, "image", "import", "--name", "bench", guest.IMAGE)
            names = [f"guest{i}" for i in range(count)]
            for name in names:
                launches.astra(socket, "launch", "--image", "bench", "--engine", "kvm", "--memory", "64M", "--net", "none",
                               "--name", name, "--", "/bin/busybox", "sleep", "1000")
            try:
                p50, p99 = calls(socket)
                return {"guests": count, "p50_ms": p50, "p99_ms": p99, "stream_share": stream_cost(daemon, socket)}
            finally:
                for name in names:
                    launches.astra(socket, "rm", "-f", name)
    except (guest.CannotRun, FileNotFoundError) as reason:
        return {"why": str(reason)}
