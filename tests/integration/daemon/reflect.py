"""Runs a program through astrad knowing nothing but its address: services and messages come from server reflection.

usage: reflect.py SOCKET IMAGE ENGINE PROGRAM [ARGUMENTS...]
"""
import sys

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

OPTIONAL, REPEATED = 1, 3
STRING, MESSAGE, BYTES = 9, 11, 12
# The part of grpc/reflection/v1alpha/reflection.proto that is used here.
REFLECTION = {
    "ServerReflectionRequest": [("file_containing_symbol", 4, OPTIONAL, STRING, ""),
                                ("list_services", 7, OPTIONAL, STRING, "")],
    "ServerReflectionResponse": [("file_descriptor_response", 4, OPTIONAL, MESSAGE, "FileDescriptorResponse"),
                                 ("list_services_response", 6, OPTIONAL, MESSAGE, "ListServiceResponse")],
    "FileDescriptorResponse": [("file_descriptor_proto", 1, REPEATED, BYTES, "")],
    "ListServiceResponse": [("service", 1, REPEATED, MESSAGE, "ServiceResponse")],
    "ServiceResponse": [("name", 1, OPTIONAL, STRING, "")],
}
PACKAGE = "grpc.reflection.v1alpha"
pool = descriptor_pool.DescriptorPool()
factory = message_factory.MessageFactory(pool)


def add_reflection():
    file = descriptor_pb2.FileDescriptorProto(name="reflection.proto", package=PACKAGE)
    for name, fields in REFLECTION.items():
        message = file.message_type.add(name=name)
        question = name.endswith("Request")
        if question:
            message.oneof_decl.add(name="message_request")
        for field, number, label, kind, of in fields:
            added = message.field.add(name=field, number=number, label=label, type=kind)
            if of:
                added.type_name = f".{PACKAGE}.{of}"
            elif question:  # unset and empty are different ones
                added.oneof_index = 0
    pool.Add(file)


def message(name):
    return factory.GetPrototype(pool.FindMessageTypeByName(name))


def ask_server(channel, **question):
    method = channel.stream_stream(f"/{PACKAGE}.ServerReflection/ServerReflectionInfo",
                                   lambda request: request.SerializeToString(),
                                   message(f"{PACKAGE}.ServerReflectionResponse").FromString)
    return next(method(iter([message(f"{PACKAGE}.ServerReflectionRequest")(**question)]), timeout=10))


def call(channel, service, name, **fields):
    method = pool.FindServiceByName(service).FindMethodByName(name)
    answer = factory.GetPrototype(method.output_type)
    kind = channel.unary_stream if method.server_streaming else channel.unary_unary
    stub = kind(f"/{service}/{name}", lambda request: request.SerializeToString(), answer.FromString)
    return stub(factory.GetPrototype(method.input_type)(**fields), timeout=60)


def main(socket, image, engine, *program):
    channel = grpc.insecure_channel("unix:" + socket)
    add_reflection()
    names = [service.name for service in ask_server(channel, list_services="").list_services_response.service]
    for name in sorted(names):
        print("service", name)
    answer = ask_server(channel, file_containing_symbol="astra.v1.Guests").file_descriptor_response
    for data in answer.file_descriptor_proto:
        pool.Add(descriptor_pb2.FileDescriptorProto.FromString(data))
    guest = call(channel, "astra.v1.Guests", "Launch",
                 spec=dict(image=image, arguments=program, engine=engine, memory_bytes=128 << 20))
    guest = call(channel, "astra.v1.Guests", "Wait", guest=guest.guest_id)
    for chunk in call(channel, "astra.v1.Console", "Read", guest=guest.guest_id):
        print(chunk.data.data.decode(), end="")
    status = guest.outcome.value
    call(channel, "astra.v1.Guests", "Delete", guest=guest.guest_id)
    try:
        call(channel, "astra.v1.Guests", "Get", guest=guest.guest_id)
    except grpc.RpcError as error:
        print("afterwards", error.code().name)
    return status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
