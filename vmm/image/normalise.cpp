// Two passes over the archive: the first reads headers and decides the layout, the second copies data into
// it.
#include "vmm/image/normalise.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "vmm/base/io.hpp"
#include "vmm/base/sha256.hpp"
#include "vmm/image/plan.hpp"
#include "vmm/image/scan.hpp"
#include "vmm/image/tar_reader.hpp"

namespace astra::vmm::image {

namespace {

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

/// Reads the data of members in their order, through one archive after the other.
class DataReader {
  public:
    explicit DataReader(const std::vector<Archive>& archives) : archives_(archives) {}

    Result<void> copy(u64 member, u64 bytes, const ByteSink& sink) {
        u64 archive = member / kArchiveStride, ordinal = member % kArchiveStride;
        if (!reader_ || archive != archive_) {
            reader_ = TRY(TarReader::open(archives_[archive].fd, archives_[archive].bytes));
            archive_ = archive;
            next_ = 0;
        }
        std::optional<Member> found;
        for (; next_ <= ordinal; next_++)
            if (found = TRY(reader_->next()); !found) break;
        if (!found || found->size != bytes) return fail(Code::Corrupt, "changed while it was being imported");
        auto copied = reader_->read_data(bytes, sink);
        if (!copied) return at_member(ordinal, std::move(copied.error()));
        return {};
    }

  private:
    const std::vector<Archive>& archives_;
    std::optional<TarReader> reader_;
    u64 archive_ = 0, next_ = 0;
};

Result<std::string> write_image(const Scanned& scanned, const Plan& plan, int out, const Job& job) {
    ImageFile image(out, Meter(job, "writing", plan.image_bytes));
    TRY(image.write(plan.index_header));
    TRY(image.write(plan.index));
    DataReader reader(scanned.archives);
    for (usize i = 0; i < plan.members.size(); i++) {
        TRY(image.pad_to(plan.members[i].header_offset));
        TRY(image.write(header_of(scanned.tree, plan.members, i)));
        u64 bytes = data_bytes(scanned.tree, plan.members, i);
        if (bytes == 0) continue;
        TRY(reader.copy(scanned.tree.node(plan.members[i].node).member, bytes,
                        [&](std::span<const u8> data) { return image.write(data); }));
    }
    TRY(image.pad_to(plan.image_bytes));
    return image.finish();
}

}  // namespace

Result<Normalised> normalise(int in, u64 in_bytes, int out, const std::string& scratch_directory,
                             const ImportLimits& limits,
                             const std::function<void(const ImportProgress&)>& progress) {
    Job job{.limits = limits, .budget = limits.bytes, .directory = scratch_directory, .progress = progress};
    // A pipe's length is not known before its end, so there the ratio cannot be applied.
    if (u64 by_ratio = 0; in_bytes > 0 && !__builtin_mul_overflow(in_bytes, limits.ratio, &by_ratio))
        job.budget = std::min(job.budget, std::max(by_ratio, limits.ratio_free));
    auto spooled = TRY(spool(in, in_bytes, job.budget, scratch_directory, progress));
    Scanned scanned =
        TRY(scan(spooled ? Archive{spooled->fd.get(), spooled->bytes} : Archive{in, in_bytes}, job));
    Plan plan = TRY(plan_image(scanned.tree, limits.bytes));
    std::string digest = TRY(write_image(scanned, plan, out, job));
    return Normalised{.sha256 = std::move(digest), .bytes = plan.image_bytes, .inodes = plan.inodes};
}

}  // namespace astra::vmm::image
