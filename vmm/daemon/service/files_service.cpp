// astra.v1.Files.
#include "vmm/base/io.hpp"
#include "vmm/daemon/file_transfer.hpp"
#include "vmm/daemon/service/services.hpp"
#include "vmm/image/spool.hpp"

namespace astra::vmm::daemon {
namespace {

using grpc::ServerContext;
using grpc::Status;
using TarWriter = grpc::ServerWriter<api::TarChunk>;

constexpr usize kChunk = 256 * 1024;

class FilesService final : public api::Files::Service {
  public:
    FilesService(Manager& manager, Role role) : manager_(manager), role_(role) {}

    Status Stat(ServerContext* context, const api::StatFileRequest* request, api::FileInfo* out) override {
        return answer([&]() -> Result<void> {
            auto files = TRY(TRY(manager_.find(request->guest()))->open_files());
            auto file = TRY(files->look(request->path(), [&] { return still_wanted(*context); }));
            out->set_mode(file.attributes.mode);
            out->set_uid(file.attributes.uid);
            out->set_gid(file.attributes.gid);
            out->set_size_bytes(file.attributes.size);
            out->set_mtime_unix_ns(static_cast<i64>(
                static_cast<u64>(file.attributes.mtime_sec) * 1'000'000'000 + file.attributes.mtime_nsec));
            out->set_target(file.target);
            out->set_changed(file.attributes.changed);
            return {};
        });
    }

    Status CopyOut(ServerContext* context, const api::CopyOutRequest* request, TarWriter* writer) override {
        return stream(*context, request->guest(), *writer,
                      [&](Guest&, FileChannel& files, const auto& sink, const auto& wanted) {
                          return copy_out(files, request->path(), sink, wanted);
                      });
    }

    Status ExportChanges(ServerContext* context, const api::ExportChangesRequest* request,
                         TarWriter* writer) override {
        return stream(
            *context, request->guest(), *writer,
            [&](Guest& guest, FileChannel& files, const auto& sink, const auto& wanted) -> Result<void> {
                auto image = TRY(manager_.images().find(guest.info().record.spec.image));
                return export_changes(files, image.image.path, sink, wanted);
            });
    }

    /// The archive is kept aside first: it is read as its members say, not as they come.
    Status CopyIn(ServerContext* context, grpc::ServerReader<api::CopyInRequest>* reader,
                  api::CopyInResponse* out) override {
        return answer([&]() -> Result<void> {
            TRY(may_change(role_));
            api::CopyInRequest request;
            if (!reader->Read(&request) || !request.has_header())
                return fail(Code::InvalidArgument, "the first message of Files.CopyIn is its header");
            auto header = request.header();
            auto guest = TRY(manager_.find(header.guest()));
            auto files = TRY(guest->open_files());
            Fd archive = TRY(image::unnamed_file(manager_.folder()));
            u64 size = 0, most = guest->info().record.spec.memory_mib << 20;
            while (reader->Read(&request)) {
                if (!request.has_chunk())
                    return fail(Code::InvalidArgument, "Files.CopyIn takes one header, then chunks");
                size += request.chunk().size();
                if (size > most)
                    return fail(Code::ResourceExhausted, "the archive is larger than the guest's memory",
                                "give the guest more memory");
                TRY(write_all(archive.get(),
                              {reinterpret_cast<const u8*>(request.chunk().data()), request.chunk().size()}));
            }
            TRY(still_wanted(*context));
            out->set_members(TRY(copy_in(*files, header.directory(), archive.get(), size,
                                         [&] { return still_wanted(*context); })));
            return {};
        });
    }

  private:
    /// Answers with what `make` writes to its sink, in chunks of good size.
    template <class Make>
    Status stream(const ServerContext& context, const std::string& name, TarWriter& writer, Make make) {
        return answer([&]() -> Result<void> {
            TRY(may_change(role_));
            auto guest = TRY(manager_.find(name));
            auto files = TRY(guest->open_files());
            FileChannel::Wanted wanted = [&] { return still_wanted(context); };
            std::string pending;
            auto send = [&]() -> Result<void> {
                api::TarChunk chunk;
                chunk.set_data(std::exchange(pending, {}));
                if (!writer.Write(chunk)) return fail(Code::Cancelled, "the client went away");
                return {};
            };
            image::ByteSink sink = [&](std::span<const u8> bytes) -> Result<void> {
                pending.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
                return pending.size() < kChunk ? Result<void>() : send();
            };
            TRY(make(*guest, *files, sink, wanted));
            return send();
        });
    }

    Manager& manager_;
    Role role_;
};

}  // namespace

std::unique_ptr<grpc::Service> make_files_service(Manager& manager, Role role) {
    return std::make_unique<FilesService>(manager, role);
}

}  // namespace astra::vmm::daemon
