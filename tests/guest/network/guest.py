"""Guests and servers for the network's tests: what starts them, waits for them and ends them."""
import contextlib
import http.server
import os
import signal
import socket
import ssl
import subprocess
import threading
import time

HOST = "10.0.2.2"  # this host, as guests of the user network see it


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Failure(Exception):
    """A test failed; its text says how."""


def expect(condition, text):
    if not condition:
        raise Failure(text)


def expect_equal(found, wanted, what):
    expect(found == wanted, f"{what}: {found!r} instead of {wanted!r}")


class Guests:
    """Starts guests of one engine from one root file system."""

    def __init__(self, astra, engine, tar):
        self.words = [astra, "run", "--engine", engine, "--rootfs", tar]
        self.engine, self.tar = engine, tar

    def image_in_memory(self):
        """MiB of a guest's memory that its image takes: QEMU loads it there."""
        return -(-os.path.getsize(self.tar) // (1 << 20)) if self.engine.startswith("qemu") else 0

    def command(self, script, options):
        return self.words + ["--net", "user,host-loopback", *options, "--", "/bin/sh", "-c", script]

    def run(self, script, *options, data=b"", timeout=120):
        """A guest's run to its end: (status, stdout, stderr)."""
        done = subprocess.run(self.command(script, options), input=data, capture_output=True, timeout=timeout)
        return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")

    def output(self, script, *options, data=b"", timeout=120):
        """What a guest says that must end well."""
        status, out, error = self.run(script, *options, data=data, timeout=timeout)
        expect(status == 0, f"status {status}: {(out + error)[-400:]}")
        return out.strip()

    @contextlib.contextmanager
    def serving(self, script, *options, ready="ready"):
        """A guest that says `ready` on a line of its own and then serves until its stdin ends: its process, `said` being the
        lines before that."""
        process = subprocess.Popen(self.command(script, options), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True)
        said = []
        killer = threading.Timer(300, process.kill)
        killer.start()
        try:
            for line in process.stdout:
                said.append(line)
                if line.strip() == ready:
                    break
            expect(said and said[-1].strip() == ready, "the server did not start: " + "".join(said)[-400:])
            process.said = said[:-1]
            yield process
            process.stdin.close()
            status = process.wait(30)
            expect(status == 0, f"the server's guest ended with {status}: {process.stdout.read()[-400:]}")
        finally:
            killer.cancel()
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


@contextlib.contextmanager
def web_server(files, certificate=None):
    """An HTTP server on this host's loopback with `files` (name: bytes); HTTPS with `certificate` (a PEM with its key). Its
    port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            body = files.get(self.path.lstrip("/"))
            self.send_response(200 if body is not None else 404)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def program(*words):
    """A program of this host in the background."""
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(10)


def connect(port, patience=30):
    """A connection to a port of this host; what listens there may take its time to come up."""
    end = time.monotonic() + patience
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=30)
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def local_certificate(directory):
    """A certificate authority and a server's certificate for the name `server.test`: paths of both PEM files."""
    authority, key = os.path.join(directory, "ca.pem"), os.path.join(directory, "ca.key")
    request, server = os.path.join(directory, "server.csr"), os.path.join(directory, "server.pem")
    server_key, extension = os.path.join(directory, "server.key"), os.path.join(directory, "extension")

    def openssl(*words):
        subprocess.run(["openssl", *words], check=True, capture_output=True)

    elliptic = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *elliptic, "-keyout", key, "-out", authority, "-days", "2", "-subj", "/CN=A test's authority")
    openssl("req", *elliptic, "-keyout", server_key, "-out", request, "-subj", "/CN=server.test")
    with open(extension, "w") as file:
        file.write("subjectAltName=DNS:server.test\n")
    openssl("x509", "-req", "-in", request, "-CA", authority, "-CAkey", key, "-CAcreateserial", "-out", server,
            "-days", "2", "-extfile", extension)
    with open(server, "a") as file, open(server_key) as key_file:
        file.write(key_file.read())
    return authority, server
