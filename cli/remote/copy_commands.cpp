// cp, export: files into and out of running guests.
#include <grpcpp/grpcpp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iostream>

#include "cli/messages.hpp"
#include "cli/remote/archive_stream.hpp"
#include "cli/remote/remote_command.hpp"

namespace astra::cli {
namespace {

using Stub = v1::Files::Stub;
using TarReader = grpc::ClientReader<v1::TarChunk>;

constexpr size_t kPiece = size_t{256} << 10;

/// One side of a copy: a path here, or one in a guest.
struct Place {
    std::string guest, path;
};

Place parse_place(const std::string& text) {
    size_t colon = text.find(':');
    if (colon == text.npos || colon == 0 || text.find('/') < colon) return {.guest = {}, .path = text};
    std::string path = text.substr(colon + 1);
    return {.guest = text.substr(0, colon), .path = path.starts_with('/') ? path : "/" + path};
}

/// The last component of a path; "." for "/".
std::string base_name(std::string path) {
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    std::string name = path.substr(path.rfind('/') + 1);
    return name.empty() ? "." : name;
}

std::string folder_of(std::string path) {
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    size_t slash = path.rfind('/');
    return slash == path.npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

/// Ends a stream that was read to `taken`, whose error, if it has one, goes before the stream's.
Result<int> finish(grpc::ClientContext& context, TarReader& stream, const Result<void>& taken) {
    if (!taken) context.TryCancel();
    grpc::Status end = stream.Finish();
    // An archive that was cut off reads as damaged: the daemon's reason is the better one.
    if (!end.ok() && end.error_code() != grpc::StatusCode::CANCELLED)
        return std::unexpected(control::to_error(end));
    if (!taken) return std::unexpected(taken.error());
    return 0;
}

Result<void> save(TarReader& stream, std::ostream& file, const std::string& name) {
    for (v1::TarChunk chunk; file && stream.Read(&chunk);)
        file.write(chunk.data().data(), static_cast<std::streamsize>(chunk.data().size()));
    file.flush();
    return file ? Result<void>() : fail(Code::Internal, name + ": cannot be written");
}

class CopyCommand : public RemoteCommand {
  public:
    CopyCommand() : RemoteCommand("cp", "copy files into or out of a guest") {}

  protected:
    void add_options(CLI::App& command) override {
        command.add_option("source", source_, "PATH, GUEST:PATH, or - for a TAR on standard input")
            ->required();
        command.add_option("target", target_, "GUEST:PATH, PATH, or - for a TAR on standard output")
            ->required();
        command.add_flag("-a,--archive", keep_owner_, "keep owners, set-id bits and devices");
    }
    Result<int> work(Remote& remote) override {
        Place source = parse_place(source_), target = parse_place(target_);
        if (source.guest.empty() == target.guest.empty())
            return fail(Code::InvalidArgument, "one of the two is GUEST:PATH",
                        "between guests: astra cp A:PATH - | astra cp - B:DIRECTORY");
        return target.guest.empty() ? copy_out(remote, source, target.path)
                                    : copy_in(remote, source.path, target);
    }

  private:
    /// Whether a directory is there in the guest, links followed.
    Result<bool> is_directory(Remote& remote, const Place& place) {
        v1::StatFileRequest request;
        request.set_guest(place.guest);
        request.set_path(place.path + "/.");
        auto info = Remote::call(*remote.files, &Stub::Stat, request, patience());
        if (info) return true;
        if (info.error().code == Code::InvalidArgument) return false;
        if (info.error().reason == "FILE_NOT_FOUND") return false;
        return std::unexpected(info.error());
    }

    Result<int> copy_in(Remote& remote, const std::string& source, const Place& target) {
        bool directory = TRY(is_directory(remote, target));
        if (!directory && (source == "-" || target.path.ends_with('/')))
            return fail(Code::NotFound, target_ + ": no such directory", "make it with astra exec");
        grpc::ClientContext context;
        v1::CopyInResponse response;
        auto stream = remote.files->CopyIn(&context, &response);
        v1::CopyInRequest request;
        request.mutable_header()->set_guest(target.guest);
        request.mutable_header()->set_directory(directory ? target.path : folder_of(target.path));
        stream->Write(request);
        auto send = [&](std::span<const char> bytes) {
            request.set_chunk(bytes.data(), bytes.size());
            return stream->Write(request);
        };
        Result<void> packed =
            source == "-" ? send_input(send)
                          : pack(source, base_name(directory ? source : target.path), keep_owner_, send);
        if (packed)
            stream->WritesDone();
        else
            context.TryCancel();
        grpc::Status end = stream->Finish();
        if (!end.ok() && end.error_code() != grpc::StatusCode::CANCELLED)
            return std::unexpected(control::to_error(end));
        if (!packed) return std::unexpected(packed.error());
        return 0;
    }

    static Result<void> send_input(const PieceSink& send) {
        std::string piece(kPiece, '\0');
        while (std::cin.read(piece.data(), kPiece), std::cin.gcount() > 0)
            if (!send({piece.data(), static_cast<size_t>(std::cin.gcount())})) break;  // the daemon says why
        return {};
    }

    Result<int> copy_out(Remote& remote, const Place& source, const std::string& target) {
        grpc::ClientContext context;
        v1::CopyOutRequest request;
        request.set_guest(source.guest);
        request.set_path(source.path);
        auto stream = remote.files->CopyOut(&context, request);
        if (target == "-") return finish(context, *stream, save(*stream, std::cout, "standard output"));
        // Nothing is made here before the guest has shown that the file is there.
        std::string first = next(*stream);
        if (first.empty()) return finish(context, *stream, {});
        bool directory = std::filesystem::is_directory(target);
        auto pieces = [&] { return first.empty() ? next(*stream) : std::exchange(first, {}); };
        auto unpacked = unpack(pieces, directory ? target : folder_of(target),
                               base_name(directory ? source.path : target), keep_owner_);
        return finish(context, *stream, unpacked);
    }

    /// The next bytes; empty at the end.
    static std::string next(TarReader& stream) {
        v1::TarChunk chunk;
        while (stream.Read(&chunk))
            if (!chunk.data().empty()) return std::move(*chunk.mutable_data());
        return {};
    }

    std::string source_, target_;
    bool keep_owner_ = false;
};

class ExportCommand : public RemoteCommand {
  public:
    ExportCommand()
        : RemoteCommand("export", "save what a guest changed against its image, as a TAR layer") {}

  protected:
    void add_options(CLI::App& command) override {
        add_guest(command);
        command.add_option("file", file_, "- for standard output")->required();
    }
    Result<int> work(Remote& remote) override {
        grpc::ClientContext context;
        v1::ExportChangesRequest request;
        request.set_guest(guest_);
        auto stream = remote.files->ExportChanges(&context, request);
        if (file_ == "-") return finish(context, *stream, save(*stream, std::cout, "standard output"));
        std::ofstream file(file_, std::ios::binary);
        auto result = finish(context, *stream, save(*stream, file, file_));
        if (!result) ::unlink(file_.c_str());
        return result;
    }

  private:
    std::string file_;
};

}  // namespace

Commands make_copy_commands() {
    Commands commands;
    commands.push_back(std::make_unique<CopyCommand>());
    commands.push_back(std::make_unique<ExportCommand>());
    return commands;
}

}  // namespace astra::cli
