// The members of a TAR; see the header.
#include "guest_kernel/fs/tar/members.hpp"

namespace astra::fs::tar {

namespace {

constexpr usize kBlock = 512;

struct RawHeader {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100], magic[6],
        version[2], owner[32], group[32], major[8], minor[8], prefix[155], pad[12];
};
static_assert(sizeof(RawHeader) == kBlock);

/// A field's text, up to its NUL or its end.
template <usize N>
std::string_view text(const char (&field)[N]) {
    std::string_view all(field, N);
    return all.substr(0, all.find('\0'));
}

/// A number: octal digits between blanks, or GNU's big-endian base 256 when the top bit is set.
template <usize N>
Result<i64> number(const char (&field)[N]) {
    if (static_cast<u8>(field[0]) & 0x80) {
        i64 value = static_cast<u8>(field[0]) == 0xff ? -1 : static_cast<u8>(field[0]) & 0x7f;
        for (usize i = 1; i < N; i++) {
            if (value > (INT64_MAX >> 8) || value < (INT64_MIN >> 8)) return fail(Errno::kEINVAL);
            value = value * 256 + static_cast<u8>(field[i]);
        }
        return value;
    }
    i64 value = 0;
    usize i = 0;
    while (i < N && field[i] == ' ') i++;
    for (; i < N && field[i] >= '0' && field[i] <= '7'; i++) {
        if (value > (INT64_MAX >> 3)) return fail(Errno::kEINVAL);
        value = value * 8 + (field[i] - '0');
    }
    if (i < N && field[i] != ' ' && field[i] != '\0') return fail(Errno::kEINVAL);
    return value;
}

/// Decimal digits at the front of `from`, which are taken off it. Errors: EINVAL for none or too many.
Result<u64> decimal(std::string_view& from) {
    u64 value = 0;
    usize digits = 0;
    while (!from.empty() && from.front() >= '0' && from.front() <= '9') {
        if (value > (UINT64_MAX - 9) / 10) return fail(Errno::kEINVAL);
        value = value * 10 + static_cast<u64>(from.front() - '0');
        from.remove_prefix(1);
        digits++;
    }
    if (digits == 0) return fail(Errno::kEINVAL);
    return value;
}

bool checksum_matches(const RawHeader& header) {
    auto stored = number(header.checksum);
    const u8* bytes = reinterpret_cast<const u8*>(&header);
    i64 sum = 0;
    for (usize i = 0; i < kBlock; i++) {
        bool in_field =
            i >= offsetof(RawHeader, checksum) && i < offsetof(RawHeader, checksum) + sizeof header.checksum;
        sum += in_field ? ' ' : bytes[i];
    }
    return stored && *stored == sum;
}

bool is_zero(std::span<const u8> block) {
    for (u8 byte : block)
        if (byte) return false;
    return true;
}

/// st_mode's type for a typeflag; 0 for a hard link; nothing for what a tree cannot hold.
std::optional<u32> type_of(char flag) {
    switch (flag) {
        case '0':
        case '\0':
        case '7': return 0100000;
        case '1': return 0;
        case '2': return 0120000;
        case '3': return 0020000;
        case '4': return 0060000;
        case '5': return 0040000;
        case '6': return 0010000;
        default: return {};
    }
}

}  // namespace

/// What PAX and GNU headers said about the member that follows.
struct Members::Overrides {
    String path, link;
    std::optional<u64> size, uid, gid;
    std::optional<i64> mtime_sec;
    u32 mtime_nsec = 0;

    Result<void> set_time(std::string_view value) {
        bool negative = value.starts_with('-');
        if (negative) value.remove_prefix(1);
        u64 seconds = TRY(decimal(value));
        if (seconds > u64{INT64_MAX}) return fail(Errno::kEINVAL);
        u32 scale = 100'000'000;
        mtime_nsec = 0;
        if (value.starts_with('.'))
            for (char c : value.substr(1)) {
                if (c < '0' || c > '9') return fail(Errno::kEINVAL);
                mtime_nsec += static_cast<u32>(c - '0') * scale;
                scale /= 10;
            }
        mtime_sec = static_cast<i64>(seconds);
        if (negative) {
            *mtime_sec = -*mtime_sec;
            if (mtime_nsec) {
                --*mtime_sec;
                mtime_nsec = 1'000'000'000 - mtime_nsec;
            }
        }
        return {};
    }
    Result<void> set(std::string_view key, std::string_view value) {
        if (key.starts_with("GNU.sparse.")) return fail(Errno::kEINVAL);
        if (key == "path") return path = TRY(String::from(value)), Result<void>{};
        if (key == "linkpath") return link = TRY(String::from(value)), Result<void>{};
        if (key == "mtime") return set_time(value);
        std::optional<u64>* number = key == "size"  ? &size
                                     : key == "uid" ? &uid
                                     : key == "gid" ? &gid
                                                    : nullptr;
        if (!number) return {};
        *number = TRY(decimal(value));
        return value.empty() ? Result<void>{} : fail(Errno::kEINVAL);
    }
    /// Records "LENGTH KEY=VALUE\n".
    Result<void> read_pax(std::string_view records) {
        while (!records.empty()) {
            std::string_view rest = records;
            u64 length = TRY(decimal(rest));
            usize head = records.size() - rest.size();
            if (length > records.size() || length < head + 2 || !rest.starts_with(' ') ||
                records[length - 1] != '\n')
                return fail(Errno::kEINVAL);
            std::string_view record = records.substr(head + 1, length - head - 2);
            usize equals = record.find('=');
            if (equals == std::string_view::npos) return fail(Errno::kEINVAL);
            TRY(set(record.substr(0, equals), record.substr(equals + 1)));
            records.remove_prefix(length);
        }
        return {};
    }
};

Result<std::span<const u8>> Members::take(u64 size) {
    if (size > archive_.size() - at_) return fail(Errno::kEINVAL);
    std::span<const u8> data = archive_.subspan(at_, size);
    u64 left = archive_.size() - at_ - size, padding = align_up(size, kBlock) - size;
    at_ += size + (padding < left ? padding : left);
    return data;
}

Result<std::optional<Member>> Members::next() {
    Overrides overrides;
    for (;;) {
        if (archive_.size() - at_ < kBlock) return std::optional<Member>();
        std::span<const u8> block = archive_.subspan(at_, kBlock);
        if (is_zero(block)) return std::optional<Member>();
        const RawHeader& header = *reinterpret_cast<const RawHeader*>(block.data());
        if (!checksum_matches(header)) return fail(Errno::kEINVAL);
        at_ += kBlock;
        i64 own_size = TRY(number(header.size));
        if (own_size < 0) return fail(Errno::kEINVAL);

        if (header.type == 'x' || header.type == 'g' || header.type == 'L' || header.type == 'K') {
            std::span<const u8> data = TRY(take(static_cast<u64>(own_size)));
            std::string_view value(reinterpret_cast<const char*>(data.data()), data.size());
            if (header.type == 'x') TRY(overrides.read_pax(value));
            // Global headers describe the archive ("comment"); per-member facts do not occur in them.
            if (header.type == 'L') overrides.path = TRY(String::from(value.substr(0, value.find('\0'))));
            if (header.type == 'K') overrides.link = TRY(String::from(value.substr(0, value.find('\0'))));
            continue;
        }

        std::optional<u32> type = type_of(header.type);
        if (!type) return fail(Errno::kEINVAL);
        Member member;
        bool ustar = std::string_view(header.magic, 5) == "ustar";
        if (!overrides.path.empty()) {
            member.path = std::move(overrides.path);
        } else {
            // GNU's own format keeps other things where ustar has the prefix.
            if (ustar && header.magic[5] == '\0' && header.prefix[0]) {
                TRY(member.path.append(text(header.prefix)));
                TRY(member.path.push_back('/'));
            }
            TRY(member.path.append(text(header.name)));
        }
        if (!overrides.link.empty())
            member.link = std::move(overrides.link);
        else
            member.link = TRY(String::from(text(header.link)));
        if (*type == 0100000 && member.path.view().ends_with('/')) type = 0040000;  // v7 directories
        member.hard_link = *type == 0;
        member.mode = *type | (static_cast<u32>(TRY(number(header.mode))) & 07777);
        member.uid = static_cast<u32>(overrides.uid ? *overrides.uid : TRY(number(header.uid)));
        member.gid = static_cast<u32>(overrides.gid ? *overrides.gid : TRY(number(header.gid)));
        member.mtime_sec = overrides.mtime_sec ? *overrides.mtime_sec : TRY(number(header.mtime));
        member.mtime_nsec = overrides.mtime_nsec;
        if (*type == 0020000 || *type == 0060000) {
            member.device_major = static_cast<u32>(TRY(number(header.major)));
            member.device_minor = static_cast<u32>(TRY(number(header.minor)));
        }
        member.data_offset = at_;
        u64 size = overrides.size ? *overrides.size : static_cast<u64>(own_size);
        // Links of some writers carry the size of what they point at, without its bytes.
        if (*type == 0100000) member.data = TRY(take(size));
        return std::optional<Member>(std::move(member));
    }
}

}  // namespace astra::fs::tar
