// Scanning of archives and of container layers.
#include "vmm/image/scan.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "guest_kernel/abi/image.hpp"
#include "vmm/base/io.hpp"
#include "vmm/base/sha256.hpp"
#include "vmm/image/container.hpp"
#include "vmm/image/path.hpp"
#include "vmm/image/tar_reader.hpp"

namespace astra::vmm::image {

namespace {

constexpr u64 kMaxManifest = 4 << 20;  // JSON files of a container image

/// Calls `take` with every member and its number, counting the data against the budget.
Result<void> each_member(Archive archive, const Job& job, u64& total, Meter meter,
                         const std::function<Result<void>(const Member&, u64)>& take) {
    auto reader = TRY(TarReader::open(archive.fd, archive.bytes));
    for (u64 ordinal = 0;; ordinal++) {
        auto member = reader.next();
        if (!member) return at_member(ordinal, std::move(member.error()));
        if (!*member) break;
        if (__builtin_add_overflow(total, (*member)->size, &total) || total > job.budget)
            return at_member(ordinal, {Code::ResourceExhausted,
                                       fmt::format("{}: the files together exceed {} bytes",
                                                   printable((*member)->path), job.budget),
                                       "if the archive is meant to be that large, raise the limit"});
        if (auto taken = take(**member, ordinal); !taken) return at_member(ordinal, std::move(taken.error()));
        meter.at(reader.position());
    }
    meter.at(archive.bytes);
    return {};
}

/// Streams the data of a regular member.
Result<void> read_member(Archive archive, const Node& file, const ByteSink& sink) {
    auto reader = TRY(TarReader::open(archive.fd, archive.bytes));
    for (u64 ordinal = 0; ordinal <= file.member; ordinal++)
        if (!TRY(reader.next())) return fail(Code::Corrupt, "changed while it was being imported");
    return reader.read_data(file.meta.size, sink);
}

Result<std::string> read_text(Archive archive, const Node& file) {
    if (file.meta.size > kMaxManifest)
        return fail(Code::ResourceExhausted, "container image: a manifest above 4 MiB");
    std::string text;
    TRY(read_member(archive, file, [&](std::span<const u8> bytes) -> Result<void> {
        text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        return {};
    }));
    return text;
}

/// Copies a layer out of the container image and decompresses it.
Result<Spool> extract(Archive archive, const Node& file, const Layer& layer, const Job& job) {
    Spool stored{.fd = TRY(unnamed_file(job.directory)), .bytes = file.meta.size};
    Sha256 digest;
    TRY(read_member(archive, file, [&](std::span<const u8> bytes) {
        digest.update(bytes);
        return write_all(stored.fd.get(), bytes);
    }));
    if (std::string found = TRY(digest.finish()); !layer.sha256.empty() && found != layer.sha256)
        return fail(Code::Corrupt, "container image: layer sha256:" + layer.sha256 + " has another content",
                    "save or download the image again");
    if (::lseek(stored.fd.get(), 0, SEEK_SET) < 0) return fail_errno("a temporary file");
    if (stored.bytes == 0) return fail(Code::Corrupt, "container image: a layer is empty");
    auto plain = TRY(spool(stored.fd.get(), stored.bytes, job.budget, job.directory, job.progress));
    return plain ? std::move(*plain) : std::move(stored);
}

/// Applies a layer: first what it removes of the layers below, then what it brings.
Result<void> apply_layer(Tree& tree, Archive layer, u64 base, const Job& job, u64& total) {
    u64 first_pass = 0;
    TRY(each_member(layer, job, first_pass, Meter(job, "scanning", layer.bytes),
                    [&](const Member& member, u64) -> Result<void> {
                        LayerName name = layer_name(member.path);
                        if (name.kind == Whiteout::Remove) tree.remove(name.path);
                        if (name.kind == Whiteout::Opaque) tree.empty(name.path);
                        return {};
                    }));
    return each_member(layer, job, total, Meter(job, "scanning", layer.bytes),
                       [&](const Member& member, u64 ordinal) -> Result<void> {
                           if (layer_name(member.path).kind != Whiteout::None) return {};
                           return tree.add(member, base + ordinal);
                       });
}

}  // namespace

void Meter::at(u64 done) {
    if (!*progress_ || (done - reported_ < (4u << 20) && done != total_)) return;
    reported_ = done;
    (*progress_)({.stage = stage_, .done = done, .total = total_});
}

std::unexpected<Error> at_member(u64 ordinal, Error error) {
    error.message = fmt::format("member {}: {}", ordinal + 1, error.message);
    return std::unexpected(std::move(error));
}

Result<Scanned> scan(Archive archive, const Job& job) {
    u64 total = 0;
    Tree outer(job.limits.entries);
    bool indexed = false;  // an image of ours: a root file system whatever files it has
    TRY(each_member(archive, job, total, Meter(job, "scanning", archive.bytes),
                    [&](const Member& member, u64 ordinal) {
                        indexed = indexed || (ordinal == 0 && member.path == abi::image::kIndexName);
                        return outer.add(member, ordinal);
                    }));
    std::optional<std::vector<Layer>> layers;
    if (!indexed)
        layers = TRY(find_layers(outer, [&](NodeId file) { return read_text(archive, outer.node(file)); }));
    if (!layers) return Scanned{.tree = std::move(outer), .archives = {archive}, .owned = {}};

    Scanned image{
        .tree = Tree(job.limits.entries, Tree::OverDirectory::Replace), .archives = {}, .owned = {}};
    total = 0;
    for (const Layer& layer : *layers) {
        image.owned.push_back(TRY(extract(archive, outer.node(layer.file), layer, job)));
        image.archives.push_back({image.owned.back().fd.get(), image.owned.back().bytes});
        auto applied = apply_layer(image.tree, image.archives.back(),
                                   (image.archives.size() - 1) * kArchiveStride, job, total);
        if (!applied) {
            applied.error().message =
                fmt::format("layer {}: {}", image.archives.size(), applied.error().message);
            return std::unexpected(std::move(applied.error()));
        }
    }
    return image;
}

}  // namespace astra::vmm::image
