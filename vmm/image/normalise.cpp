// Two passes over the archive: the first reads headers and decides the layout, the second copies data into
// it.
#include "vmm/image/normalise.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

#include "vmm/base/io.hpp"
#include "vmm/base/sha256.hpp"
#include "vmm/image/path.hpp"
#include "vmm/image/plan.hpp"
#include "vmm/image/spool.hpp"
#include "vmm/image/tar_reader.hpp"
#include "vmm/image/tar_writer.hpp"

namespace astra::vmm::image {

namespace {

using Progress = std::function<void(const ImportProgress&)>;

/// Calls back every few MiB.
class Meter {
  public:
    Meter(const Progress& progress, const char* stage, u64 total)
        : progress_(progress), stage_(stage), total_(total) {}
    void at(u64 done) {
        if (!progress_ || (done - reported_ < (4u << 20) && done != total_)) return;
        reported_ = done;
        progress_({.stage = stage_, .done = done, .total = total_});
    }

  private:
    const Progress& progress_;
    const char* stage_;
    u64 total_, reported_ = 0;
};

/// The image being written: in order, in large writes, hashed on the way.
class ImageFile {
  public:
    ImageFile(int fd, Meter meter) : fd_(fd), meter_(meter) { buffer_.reserve(kBufferBytes); }

    Result<void> write(std::span<const u8> bytes) {
        if (buffer_.size() + bytes.size() > kBufferBytes) TRY(flush());
        if (bytes.size() >= kBufferBytes) return put(bytes);
        buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
        return {};
    }
    Result<void> write(const std::string& text) {
        return write({reinterpret_cast<const u8*>(text.data()), text.size()});
    }
    /// Zeros up to `position`.
    Result<void> pad_to(u64 position) {
        static constexpr u8 kZeros[kPageSize]{};
        while (this->position() < position)
            TRY(write({kZeros, static_cast<usize>(std::min<u64>(kPageSize, position - this->position()))}));
        return {};
    }
    Result<std::string> finish() {
        TRY(flush());
        return digest_.finish();
    }
    [[nodiscard]] u64 position() const { return flushed_ + buffer_.size(); }

  private:
    Result<void> flush() {
        TRY(put(buffer_));
        buffer_.clear();
        return {};
    }
    Result<void> put(std::span<const u8> bytes) {
        digest_.update(bytes);
        TRY(write_all(fd_, bytes));
        flushed_ += bytes.size();
        meter_.at(flushed_);
        return {};
    }

    static constexpr usize kBufferBytes = 1 << 20;
    int fd_;
    Meter meter_;
    Sha256 digest_;
    std::vector<u8> buffer_;
    u64 flushed_ = 0;
};

struct Archive {
    int fd;
    u64 bytes;
};

/// "member 3: " in front of an error's text.
std::unexpected<Error> at_member(u64 ordinal, Error error) {
    error.message = fmt::format("member {}: {}", ordinal + 1, error.message);
    return std::unexpected(std::move(error));
}

Result<Tree> scan(Archive archive, u64 max_entries, u64 budget, Meter meter) {
    auto reader = TRY(TarReader::open(archive.fd, archive.bytes));
    Tree tree(max_entries);
    u64 total = 0;
    for (u64 ordinal = 0;; ordinal++) {
        auto member = reader.next();
        if (!member) return at_member(ordinal, std::move(member.error()));
        if (!*member) break;
        if (__builtin_add_overflow(total, (*member)->size, &total) || total > budget)
            return at_member(ordinal, {Code::ResourceExhausted,
                                       fmt::format("{}: the files together exceed {} bytes",
                                                   printable((*member)->path), budget),
                                       "if the archive is meant to be that large, raise the limit"});
        if (auto added = tree.add(**member, ordinal); !added)
            return at_member(ordinal, std::move(added.error()));
        meter.at(reader.position());
    }
    meter.at(archive.bytes);
    return tree;
}

Result<std::string> write_image(Archive archive, const Tree& tree, const Plan& plan, int out,
                                const Progress& progress) {
    ImageFile image(out, Meter(progress, "writing", plan.image_bytes));
    TRY(image.write(plan.index_header));
    TRY(image.write(plan.index));
    auto reader = TRY(TarReader::open(archive.fd, archive.bytes));
    u64 next_ordinal = 0;
    for (usize i = 0; i < plan.members.size(); i++) {
        TRY(image.pad_to(plan.members[i].header_offset));
        TRY(image.write(header_of(tree, plan.members, i)));
        u64 bytes = data_bytes(tree, plan.members, i);
        if (bytes == 0) continue;
        u64 ordinal = tree.node(plan.members[i].node).member;
        std::optional<Member> member;
        for (; next_ordinal <= ordinal; next_ordinal++)
            if (member = TRY(reader.next()); !member) break;
        if (!member || member->size != bytes)
            return fail(Code::Corrupt, "changed while it was being imported");
        auto copied = reader.read_data(bytes, [&](std::span<const u8> data) { return image.write(data); });
        if (!copied) return at_member(ordinal, std::move(copied.error()));
    }
    TRY(image.pad_to(plan.image_bytes));
    return image.finish();
}

}  // namespace

Result<Normalised> normalise(int in, u64 in_bytes, int out, const std::string& scratch_directory,
                             const ImportLimits& limits, const Progress& progress) {
    u64 budget = limits.bytes;
    // A pipe's length is not known before its end, so there the ratio cannot be applied.
    if (u64 by_ratio = 0; in_bytes > 0 && !__builtin_mul_overflow(in_bytes, limits.ratio, &by_ratio))
        budget = std::min(budget, std::max(by_ratio, limits.ratio_free));
    auto spooled = TRY(spool(in, in_bytes, budget, scratch_directory, progress));
    Archive archive = spooled ? Archive{spooled->fd.get(), spooled->bytes} : Archive{in, in_bytes};
    Tree tree = TRY(scan(archive, limits.entries, budget, Meter(progress, "scanning", archive.bytes)));
    Plan plan = TRY(plan_image(tree, limits.bytes));
    std::string digest = TRY(write_image(archive, tree, plan, out, progress));
    return Normalised{.sha256 = std::move(digest), .bytes = plan.image_bytes, .inodes = plan.inodes};
}

}  // namespace astra::vmm::image
