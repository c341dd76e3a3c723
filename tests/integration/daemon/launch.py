"""Launches a program through astrad from Python and prints what it wrote and what it called.

usage: launch.py SOCKET ROOTFS.tar ENGINE PROGRAM [ARGUMENTS...]
The stubs are made from control_proto/astra.proto:
    protoc --python_out=DIR --grpc_out=DIR --plugin=protoc-gen-grpc=/usr/bin/grpc_python_plugin control_proto/astra.proto
with DIR in PYTHONPATH.
"""
import sys

import grpc
from control_proto import astra_pb2 as api
from control_proto import astra_pb2_grpc as stubs


def archive(path):
    yield api.ImportRequest(header=api.ImportHeader())
    with open(path, "rb") as file:
        while chunk := file.read(256 * 1024):
            yield api.ImportRequest(chunk=chunk)


def main(socket, rootfs, engine, *program):
    channel = grpc.insecure_channel("unix:" + socket)
    guests = stubs.GuestsStub(channel)
    imports = stubs.ImagesStub(channel).Import(archive(rootfs))
    image = [answer.image for answer in imports if answer.HasField("image")][0]
    spec = api.GuestSpec(image=image.image_id, arguments=program, engine=engine, memory_bytes=128 << 20)
    guest = guests.Launch(api.CreateGuestRequest(spec=spec), timeout=60)
    guest = guests.Wait(api.WaitGuestRequest(guest=guest.guest_id), timeout=60)
    for chunk in stubs.ConsoleStub(channel).Read(api.ReadConsoleRequest(guest=guest.guest_id)):
        sys.stdout.write(chunk.data.data.decode(errors="replace"))
    sample = stubs.MetricsStub(channel).Get(api.GetMetricsRequest(guest=guest.guest_id))
    for row in sorted(sample.syscalls, key=lambda row: row.name):
        print(f"syscall {row.name} {row.calls}")
    guests.Delete(api.DeleteGuestRequest(guest=guest.guest_id))
    return guest.outcome.value


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
