"""Python's standard library on top of the system: each section is a case ("== name")."""
import asyncio
import ctypes
import errno
import fcntl
import hashlib
import json
import mmap
import multiprocessing
import os
import pathlib
import pty
import queue
import resource
import select
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
import tty
import zlib


def case(body):
    print(f"\n== {body.__name__}", flush=True)
    try:
        body()
    except Exception as error:
        print(f"{type(error).__name__}: {error}")
    sys.stdout.flush()


def files():
    with tempfile.TemporaryDirectory() as name:
        path = pathlib.Path(name)
        (path / "a").write_text("grün\n" * 1000)
        print(len((path / "a").read_bytes()), (path / "a").stat().st_size)
        with open(path / "a", "r+b", buffering=0) as f:
            f.seek(5)
            f.write(b"X")
            f.truncate(20)
        print((path / "a").read_bytes())
        os.symlink("a", path / "l")
        shutil.copytree(path, path / "copy", symlinks=True)
        print(sorted(os.listdir(path / "copy")), os.readlink(path / "copy/l"))
        with os.scandir(path) as entries:
            print(sorted((e.name, e.is_dir(), e.is_symlink()) for e in entries))
        os.utime(path / "a", ns=(1, 1_500_000_000_123_456_789))
        print(os.stat(path / "a").st_mtime_ns)
        try:
            open(path / "missing")
        except OSError as e:
            print(errno.errorcode[e.errno])


def mapping():
    with tempfile.TemporaryFile() as f:
        f.truncate(10000)
        with mmap.mmap(f.fileno(), 0) as m:
            m[5000:5005] = b"hello"
            m.flush()
            print(m.find(b"hello"), len(m))
        f.seek(5000)
        print(f.read(5))
    with mmap.mmap(-1, 4096) as m:
        pid = os.fork()
        if pid == 0:
            m[0] = 42
            os._exit(0)
        os.waitpid(pid, 0)
        print(m[0])


def processes():
    print(subprocess.run(["sh", "-c", "cat; exit 3"], input=b"through\n", capture_output=True))
    print(subprocess.run(["false"]).returncode, subprocess.check_output(["echo", "hi"], text=True))
    p = subprocess.Popen(["sleep", "60"])
    p.terminate()
    print(p.wait())
    try:
        subprocess.run(["sleep", "5"], timeout=0.05)
    except subprocess.TimeoutExpired:
        print("timeout")
    try:
        subprocess.run(["/no/such"])
    except FileNotFoundError as e:
        print(e)
    r, w = os.pipe()
    if os.fork() == 0:
        os.write(w, b"child")
        os._exit(7)
    print(os.read(r, 10), os.waitstatus_to_exitcode(os.wait()[1]))
    print(os.popen("seq 3 | paste -sd,").read())


def threads():
    lock, total = threading.Lock(), [0]

    def add():
        for _ in range(10000):
            with lock:
                total[0] += 1

    workers = [threading.Thread(target=add) for _ in range(8)]
    for t in workers:
        t.start()
    for t in workers:
        t.join()
    print(total)
    q = queue.Queue()
    threading.Thread(target=lambda: [q.put(i * i) for i in range(5)]).start()
    print([q.get(timeout=5) for _ in range(5)])
    event = threading.Event()
    print(event.wait(0.02))
    barrier = threading.Barrier(4)
    for _ in range(3):
        threading.Thread(target=barrier.wait).start()
    print(barrier.wait(5) in range(4))
    local = threading.local()
    local.x = 1
    print(hasattr(local, "x"), threading.active_count() >= 1)


def square(n):
    return n * n


def pools():
    with multiprocessing.get_context("fork").Pool(3) as pool:
        print(pool.map(square, range(10)))
    parent, child = multiprocessing.Pipe()
    p = multiprocessing.get_context("fork").Process(target=lambda c: c.send({"from": "child"}), args=(child,))
    p.start()
    print(parent.recv())
    p.join()
    print(p.exitcode)


def signals():
    seen = []
    signal.signal(signal.SIGUSR1, lambda number, frame: seen.append(number))
    os.kill(os.getpid(), signal.SIGUSR1)
    print(seen == [signal.SIGUSR1])
    signal.signal(signal.SIGALRM, lambda number, frame: seen.append("alarm"))
    signal.setitimer(signal.ITIMER_REAL, 0.02)
    time.sleep(0.2)
    print(seen[1:])
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
    os.kill(os.getpid(), signal.SIGUSR2)
    print(signal.sigwait([signal.SIGUSR2]) == signal.SIGUSR2)
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(1)
    except KeyboardInterrupt:
        print("interrupted")


def polling():
    r, w = os.pipe()
    print(select.select([r], [w], [], 0) == ([], [w], []))
    ep = select.epoll()
    ep.register(r, select.EPOLLIN)
    print(ep.poll(0))
    os.write(w, b"x")
    print(ep.poll(1) == [(r, select.EPOLLIN)])
    fcntl.fcntl(r, fcntl.F_SETFL, os.O_NONBLOCK)
    os.read(r, 10)
    try:
        os.read(r, 10)
    except BlockingIOError as e:
        print(e)


def coroutines():
    async def tick(name, delay):
        await asyncio.sleep(delay)
        return name

    async def main():
        print(await asyncio.gather(tick("a", 0.03), tick("b", 0.01), tick("c", 0.02)))
        p = await asyncio.create_subprocess_exec("cat", stdin=-1, stdout=-1)
        print(await p.communicate(b"async"))
        try:
            await asyncio.wait_for(asyncio.sleep(5), 0.02)
        except asyncio.TimeoutError:
            print("timeout")
        print(await asyncio.to_thread(square, 9))

    asyncio.run(main())


def sockets():
    a, b = socket.socketpair()
    a.sendall(b"pair")
    print(b.recv(10))
    with tempfile.TemporaryDirectory() as name:
        server = socket.socket(socket.AF_UNIX)
        server.bind(f"{name}/door")
        server.listen()
        client = socket.socket(socket.AF_UNIX)
        client.connect(server.getsockname())
        peer, _ = server.accept()
        socket.send_fds(client, [b"file"], [a.fileno()])
        message, files, _, _ = socket.recv_fds(peer, 10, 1)
        with socket.socket(fileno=files[0]) as passed:
            passed.sendall(b"passed")
        print(message, b.recv(10))


def loopback():
    server = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(server.getsockname())
    peer, _ = server.accept()
    client.sendall(b"x" * 100000)
    client.shutdown(socket.SHUT_WR)
    print(sum(len(chunk) for chunk in iter(lambda: peer.recv(65536), b"")))


def terminals():
    master, slave = pty.openpty()
    print(os.isatty(slave), os.ttyname(slave).startswith("/dev/pts/"), os.get_terminal_size(slave))
    tty.setraw(slave)
    os.write(master, b"raw\x03\n")
    print(os.read(slave, 10), termios.tcgetattr(slave)[3] & termios.ISIG)
    os.close(slave)
    pid, fd = pty.fork()
    if pid == 0:
        os.execv("/bin/bash", ["bash", "-c", "[ -t 0 ] && stty size; read x; echo got $x; kill -INT $$"])
    os.write(fd, b"line\n")
    text = b""
    try:
        while chunk := os.read(fd, 1000):
            text += chunk
    except OSError as error:
        print(error.strerror)
    print(sorted(text.split()), os.WTERMSIG(os.waitpid(pid, 0)[1]))


def database():
    with tempfile.TemporaryDirectory() as name:
        db = sqlite3.connect(f"{name}/db")
        db.execute("pragma journal_mode=wal")
        db.execute("create table t (id integer primary key, text)")
        with db:
            db.executemany("insert into t (text) values (?)", [(f"row {i}",) for i in range(1000)])
        other = sqlite3.connect(f"{name}/db")
        print(other.execute("select count(*), max(id), min(text) from t").fetchone())
        try:
            with db:
                db.execute("delete from t")
                raise ValueError("roll back")
        except ValueError:
            print(db.execute("select count(*) from t").fetchone())
        db.close()
        other.close()


def computing():
    print(hashlib.sha256(b"x" * 100000).hexdigest())
    print(len(zlib.compress(bytes(100000))), zlib.crc32(b"abc"))
    print(json.loads(json.dumps({"a": [1, 2.5, None, True], "ü": "\u2603"})))
    print(struct.pack("<IhQ", 1, -2, 3).hex(), 2**200, 1 / 3)
    libc = ctypes.CDLL(None)
    print(libc.abs(-5), libc.getpid() == os.getpid())
    sys.setrecursionlimit(5000)

    def depth(n):
        return 0 if n == 0 else 1 + depth(n - 1)

    print(depth(4000), sum(i * i for i in range(300000)))


def system():
    print(os.uname().sysname, os.uname().machine, os.getuid(), os.getcwd())
    print(len(os.urandom(32)), os.cpu_count() >= 1, os.sysconf("SC_PAGESIZE"))
    print(resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 0, time.time() > 1.7e9)
    start = time.monotonic()
    time.sleep(0.03)
    print(0.03 <= time.monotonic() - start < 3)
    print(sys.stdin.read() == "", sys.stdout.isatty(), os.path.realpath("/proc/self/exe"))


print(f"python {sys.version_info.major}")
for body in (files, mapping, processes, threads, pools, signals, polling, coroutines, sockets, loopback, terminals, database, computing, system):
    case(body)
