// image import, list, rm, export; daemon: what the daemon keeps, and the daemon itself.
#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include <fstream>

#include "cli/messages.hpp"
#include "cli/progress.hpp"
#include "cli/remote/remote_command.hpp"

namespace astra::cli {
namespace {

using Stub = v1::Images::Stub;

Table image_table(const google::protobuf::RepeatedPtrField<v1::Image>& images) {
    Table table{.header = {"id", "names", "size", "files"}, .rows = {}};
    for (const v1::Image& image : images) {
        std::string names;
        for (const std::string& name : image.names()) names += (names.empty() ? "" : ",") + name;
        table.rows.push_back({image.image_id().substr(0, 12), names, format_bytes(image.size_bytes()),
                              std::to_string(image.inodes())});
    }
    return table;
}

class ImageCommand : public RemoteCommand {
  public:
    ImageCommand() : RemoteCommand("image", "the daemon's root file systems") {}

  protected:
    void add_options(CLI::App& command) override {
        command.require_subcommand(1);
        auto* import = add(command, "import", "keep an archive as an image", &ImageCommand::import);
        import->add_option("archive", file_, "tar, plain or compressed")->required()->type_name("TAR");
        import->add_option("--name", name_, "a name for it");
        add_format(*import);
        add_format(*add(command, "list", "list images", &ImageCommand::list));
        add(command, "rm", "remove an image", &ImageCommand::remove)->add_option("image", name_)->required();
        auto* save = add(command, "export", "write an image as a TAR", &ImageCommand::save);
        save->add_option("image", name_)->required();
        save->add_option("file", file_)->required();
    }
    Result<int> work(Remote& remote) override { return (this->*chosen_)(remote); }

  private:
    using Action = Result<int> (ImageCommand::*)(Remote& remote);
    CLI::App* add(CLI::App& command, const char* name, const char* help, Action action) {
        auto* sub = command.add_subcommand(name, help);
        sub->callback([this, action] { chosen_ = action; });
        return sub;
    }
    Result<int> import(Remote& remote) {
        Progress progress;
        v1::ListImagesResponse images;
        *images.add_images() =
            TRY(remote.import_image(file_, name_, [&](std::string_view stage, uint64_t done, uint64_t total) {
                progress.show(stage, done, total);
            }));
        progress.clear();
        return report(images.images(0), image_table(images.images()));
    }
    Result<int> list(Remote& remote) {
        auto images = TRY(Remote::call(*remote.images, &Stub::List, v1::ListImagesRequest(), patience()));
        return report(images, image_table(images.images()));
    }
    Result<int> remove(Remote& remote) {
        v1::DeleteImageRequest request;
        request.set_image(name_);
        TRY(Remote::call(*remote.images, &Stub::Delete, request, patience()));
        return print(name_ + "\n");
    }
    Result<int> save(Remote& remote) {
        v1::ExportImageRequest request;
        request.set_image(name_);
        grpc::ClientContext context;
        auto stream = remote.images->Export(&context, request);
        std::ofstream file(file_, std::ios::binary);
        for (v1::TarChunk chunk; file && stream->Read(&chunk);)
            file.write(chunk.data().data(), static_cast<std::streamsize>(chunk.data().size()));
        file.close();
        if (!file) context.TryCancel();
        grpc::Status end = stream->Finish();
        if (!file) return fail(Code::Internal, file_ + ": cannot be written");
        if (!end.ok()) return std::unexpected(control::to_error(end));
        return 0;
    }

    Action chosen_ = &ImageCommand::list;
    std::string file_, name_;
};

class DaemonCommand : public RemoteCommand {
  public:
    DaemonCommand() : RemoteCommand("daemon", "say what the daemon is and what it runs") {}

  protected:
    void add_options(CLI::App& command) override { add_format(command); }
    Result<int> work(Remote& remote) override {
        auto info =
            TRY(Remote::call(*remote.daemon, &v1::Daemon::Stub::GetInfo, v1::GetInfoRequest(), patience()));
        Table table{
            .header = {"what", "value"},
            .rows = {{"version", info.version()},
                     {"process", std::to_string(info.pid())},
                     {"state", info.state_directory()},
                     {"guests", fmt::format("{}, {} running", info.guests(), info.guests_running())},
                     {"engine", info.can_run() ? info.engine() + ", " + info.kernel() + " kernel" : "none"},
                     {"why", info.reason()},
                     {"socket", info.read_only() ? "read-only" : "admin"}}};
        return report(info, table);
    }
};

}  // namespace

Commands make_image_commands() {
    Commands commands;
    commands.push_back(std::make_unique<ImageCommand>());
    commands.push_back(std::make_unique<DaemonCommand>());
    return commands;
}

}  // namespace astra::cli
