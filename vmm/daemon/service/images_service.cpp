// astra.v1.Images.
#include <fcntl.h>

#include <future>

#include "vmm/base/io.hpp"
#include "vmm/daemon/service/services.hpp"

namespace astra::vmm::daemon {
namespace {

using grpc::ServerContext;
using grpc::Status;
using ImportStream = grpc::ServerReaderWriter<api::ImportResponse, api::ImportRequest>;

constexpr usize kChunk = 256 * 1024;

class ImagesService final : public api::Images::Service {
  public:
    ImagesService(Manager& manager, Role role) : manager_(manager), role_(role) {}

    Status Import(ServerContext* context, ImportStream* stream) override {
        return answer([&]() -> Result<void> {
            TRY(may_change(role_));
            api::ImportRequest first;
            if (!stream->Read(&first) || !first.has_header())
                return fail(Code::InvalidArgument, "the first message of Images.Import is its header");
            ImageInfo info = TRY(import(*context, *stream, first.header()));
            manager_.events().append(
                {.kind = "image.imported", .guest_id = {}, .guest_name = {}, .detail = info.image.sha256});
            api::ImportResponse last;
            *last.mutable_image() = to_api(info);
            stream->Write(last);
            return {};
        });
    }

    Status List(ServerContext*, const api::ListImagesRequest*, api::ListImagesResponse* out) override {
        return answer([&]() -> Result<void> {
            for (const ImageInfo& info : TRY(manager_.images().list())) *out->add_images() = to_api(info);
            return {};
        });
    }

    Status Get(ServerContext*, const api::GetImageRequest* request, api::Image* out) override {
        return answer([&]() -> Result<void> {
            *out = to_api(TRY(manager_.images().find(request->image())));
            return {};
        });
    }

    Status Delete(ServerContext*, const api::DeleteImageRequest* request,
                  api::DeleteImageResponse*) override {
        return answer([&]() -> Result<void> {
            TRY(may_change(role_));
            return manager_.remove_image(request->image());
        });
    }

    Status Export(ServerContext* context, const api::ExportImageRequest* request,
                  grpc::ServerWriter<api::TarChunk>* writer) override {
        return answer([&]() -> Result<void> {
            ImageInfo info = TRY(manager_.images().find(request->image()));
            Fd file(::open(info.image.path.c_str(), O_RDONLY | O_CLOEXEC));
            if (!file.valid()) return fail_errno(info.image.path);
            std::string buffer(kChunk, '\0');
            for (;;) {
                ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
                if (got < 0) return fail_errno(info.image.path);
                if (got == 0) return {};
                api::TarChunk chunk;
                chunk.set_data(buffer.data(), static_cast<usize>(got));
                if (!writer->Write(chunk)) return still_wanted(*context);
            }
        });
    }

  private:
    /// The importer reads a pipe in a thread of its own; this one fills it with what the client sends.
    Result<ImageInfo> import(const ServerContext& context, ImportStream& stream,
                             const api::ImportHeader& header) {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) < 0) return fail_errno("pipe");
        Fd source(ends[0]), sink(ends[1]);
        auto tell = [&](const image::ImportProgress& progress) {
            api::ImportResponse response;
            response.mutable_progress()->set_stage(progress.stage);
            response.mutable_progress()->set_done_bytes(progress.done);
            response.mutable_progress()->set_total_bytes(progress.total ? progress.total
                                                                        : header.size_bytes());
            stream.Write(response);
        };
        auto importer = std::async(std::launch::async, [&] {
            auto imported = manager_.images().import(source.get(), header.name(), tell);
            source.reset();  // whoever still writes hears of it
            return imported;
        });
        bool whole = true, misused = false;
        for (api::ImportRequest request; whole && stream.Read(&request);) {
            misused = !request.has_chunk();
            std::span<const u8> bytes(reinterpret_cast<const u8*>(request.chunk().data()),
                                      request.chunk().size());
            whole = !misused && write_all(sink.get(), bytes).has_value();
        }
        // An archive that was cut off by its client must not be taken for a whole one.
        auto wanted = still_wanted(context);
        if (!wanted || misused) (void)!::write(sink.get(), "\xff", 1);
        sink.reset();
        auto imported = importer.get();
        TRY(wanted);
        if (misused) return fail(Code::InvalidArgument, "Images.Import takes one header, then chunks");
        return imported;
    }

    Manager& manager_;
    Role role_;
};

}  // namespace

std::unique_ptr<grpc::Service> make_images_service(Manager& manager, Role role) {
    return std::make_unique<ImagesService>(manager, role);
}

}  // namespace astra::vmm::daemon
