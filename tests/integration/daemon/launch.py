"""Launches a program through astrad from Python and prints what it wrote and what it called.

usage: launch.py SOCKET ROOTFS.tar ENGINE PROGRAM [ARGUMENTS...]
The messages come from control_proto/astra.proto: protoc --python_out=DIR, with DIR in PYTHONPATH.
"""
import sys

import grpc
from control_proto import astra_pb2 as api


def call(channel, service, name, request, answer, timeout=60):
    method = channel.unary_unary(f"/astra.v1.{service}/{name}", request.__class__.SerializeToString, answer.FromString)
    return method(request, timeout=timeout)


def archive(path):
    yield api.ImportRequest(header=api.ImportHeader())
    with open(path, "rb") as file:
        while chunk := file.read(256 * 1024):
            yield api.ImportRequest(chunk=chunk)


def main(socket, rootfs, engine, *program):
    channel = grpc.insecure_channel("unix:" + socket)
    imports = channel.stream_stream("/astra.v1.Images/Import", api.ImportRequest.SerializeToString,
                                    api.ImportResponse.FromString)
    image = [answer.image for answer in imports(archive(rootfs)) if answer.HasField("image")][0]
    spec = api.GuestSpec(image=image.image_id, arguments=program, engine=engine, memory_bytes=128 << 20)
    guest = call(channel, "Guests", "Launch", api.CreateGuestRequest(spec=spec), api.Guest)
    guest = call(channel, "Guests", "Wait", api.WaitGuestRequest(guest=guest.guest_id), api.Guest)
    console = channel.unary_stream("/astra.v1.Console/Read", api.ReadConsoleRequest.SerializeToString,
                                   api.ConsoleChunk.FromString)
    for chunk in console(api.ReadConsoleRequest(guest=guest.guest_id)):
        sys.stdout.write(chunk.data.data.decode(errors="replace"))
    sample = call(channel, "Metrics", "Get", api.GetMetricsRequest(guest=guest.guest_id), api.MetricsSample)
    for row in sorted(sample.syscalls, key=lambda row: row.name):
        print(f"syscall {row.name} {row.calls}")
    call(channel, "Guests", "Delete", api.DeleteGuestRequest(guest=guest.guest_id), api.DeleteGuestResponse)
    return guest.outcome.value


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
