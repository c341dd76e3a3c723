"""How long a call of the daemon takes: unary.py SOCKET COUNT; prints the 50th and 99th percentile in milliseconds.

Needs grpcio and the stubs of control_proto/astra.proto in PYTHONPATH.
"""
import sys
import time

import grpc
from control_proto import astra_pb2 as api
from control_proto import astra_pb2_grpc as stubs


def main(socket, count):
    guests = stubs.GuestsStub(grpc.insecure_channel("unix:" + socket))
    names = [guest.name for guest in guests.List(api.ListGuestsRequest(), timeout=10).guests]
    taken = []
    for i in range(int(count)):
        start = time.monotonic()
        guests.Get(api.GetGuestRequest(guest=names[i % len(names)]), timeout=10)
        taken.append((time.monotonic() - start) * 1e3)
    taken.sort()
    print(taken[len(taken) // 2], taken[len(taken) * 99 // 100])


main(*sys.argv[1:])
