// astra.v1.Console.
#include <algorithm>

#include "vmm/daemon/service/services.hpp"
#include "vmm/supervisor/console_log.hpp"

namespace astra::vmm::daemon {
namespace {

using grpc::ServerContext;
using grpc::Status;

api::ConsoleChunk to_chunk(const ConsoleReader::Piece& piece) {
    api::ConsoleChunk chunk;
    if (piece.gap) {
        chunk.mutable_gap()->set_from_offset(piece.from);
        chunk.mutable_gap()->set_to_offset(piece.to);
        return chunk;
    }
    auto* data = chunk.mutable_data();
    data->set_offset(piece.from);
    data->set_unix_ns(piece.unix_ns);
    data->set_stream(static_cast<api::ConsoleStream>(piece.stream));
    data->set_data(piece.bytes.data(), piece.bytes.size());
    return chunk;
}

class ConsoleService final : public api::Console::Service {
  public:
    ConsoleService(Manager& manager, Role role) : manager_(manager), role_(role) {}

    Status Read(ServerContext* context, const api::ReadConsoleRequest* request,
                grpc::ServerWriter<api::ConsoleChunk>* writer) override {
        return answer([&]() -> Result<void> {
            auto guest = TRY(manager_.find(request->guest()));
            auto wanted = [&](ConsoleStream stream) {
                if (request->streams().empty()) return stream != ConsoleStream::Log;
                return std::ranges::count(request->streams(), static_cast<int>(stream)) > 0;
            };
            return relay(*context, *guest, request->from_offset(), request->follow(), wanted,
                         [&](const api::ConsoleChunk& chunk) { return writer->Write(chunk); });
        });
    }

    Status Attach(ServerContext* context,
                  grpc::ServerReaderWriter<api::ConsoleChunk, api::AttachRequest>* stream) override {
        return answer([&]() -> Result<void> {
            TRY(may_change(role_));
            api::AttachRequest first;
            if (!stream->Read(&first) || first.part_case() != api::AttachRequest::kGuest)
                return fail(Code::InvalidArgument, "the first message of Attach names the guest");
            auto guest = TRY(manager_.find(first.guest()));
            auto program = TRY(guest->main_program());
            u64 from = guest->info().console_end;
            std::atomic<bool> detached = false;
            auto input = std::async(std::launch::async, [&] {
                take_input(*context, *stream, *program);
                detached = true;
            });
            auto result = relay(
                *context, *guest, from, true, [](ConsoleStream of) { return of != ConsoleStream::Log; },
                [&](const api::ConsoleChunk& chunk) { return stream->Write(chunk); }, &detached);
            finish_reading(*context, input);
            return result;
        });
    }

  private:
    static void take_input(const ServerContext& context,
                           grpc::ServerReaderWriter<api::ConsoleChunk, api::AttachRequest>& stream,
                           Program& program) {
        for (api::AttachRequest request; stream.Read(&request);) {
            if (request.has_input()) {
                std::span<const u8> bytes(reinterpret_cast<const u8*>(request.input().data()),
                                          request.input().size());
                while (!bytes.empty() && !context.IsCancelled())
                    bytes = bytes.subspan(program.input(bytes, kSlice));
            } else {
                while (!context.IsCancelled() && !steer(program, request)) {}
            }
        }
    }

    /// Writes what the console log holds from `from` on, and with `follow` what comes, until the guest has
    /// ended, the client is gone or `*stop` is set.
    template <class Wanted, class Write>
    static Result<void> relay(const ServerContext& context, const Guest& guest, u64 from, bool follow,
                              Wanted wanted, Write write, const std::atomic<bool>* stop = nullptr) {
        ConsoleReader reader(guest.files().console(), from);
        for (;;) {
            bool ended = has_ended(guest.info());  // before the last look: nothing is written afterwards
            while (auto piece = TRY(reader.next())) {
                if (!piece->gap && !wanted(piece->stream)) continue;
                if (!write(to_chunk(*piece))) return still_wanted(context);
            }
            if (ended || !follow || (stop && *stop)) break;
            TRY(still_wanted(context));
            guest.wait(kSlice, [&](const GuestInfo& info) {
                return has_ended(info) || info.console_end > reader.offset();
            });
        }
        api::ConsoleChunk last;
        last.mutable_end()->set_offset(reader.offset());
        if (auto exit = guest.info().exit) *last.mutable_end()->mutable_outcome() = to_api(exit->outcome);
        write(last);
        return {};
    }

    Manager& manager_;
    Role role_;
};

}  // namespace

std::unique_ptr<grpc::Service> make_console_service(Manager& manager, Role role) {
    return std::make_unique<ConsoleService>(manager, role);
}

}  // namespace astra::vmm::daemon
