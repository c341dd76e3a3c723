// Building of ustar headers, GNU long-name members and PAX records.
#include "vmm/image/tar_writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <span>

namespace astra::vmm::image {

namespace {

/// The ustar header block.
struct Ustar {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type;
    char linkname[100], magic[6], version[2], uname[32], gname[32], devmajor[8], devminor[8], prefix[155],
        pad[12];
};
static_assert(sizeof(Ustar) == kTarBlock);

char type_flag(Kind kind) {
    switch (kind) {
        case Kind::Regular: return '0';
        case Kind::HardLink: return '1';
        case Kind::Symlink: return '2';
        case Kind::CharDevice: return '3';
        case Kind::BlockDevice: return '4';
        case Kind::Directory: return '5';
        case Kind::Fifo: return '6';
    }
    __builtin_unreachable();
}

void put_text(std::span<char> field, std::string_view text) {
    std::memcpy(field.data(), text.data(), std::min(field.size(), text.size()));
}

/// Octal with a NUL at the end; what does not fit in GNU's base-256 form: a marker bit, then two's
/// complement.
void put_number(std::span<char> field, i64 value) {
    u64 limit = u64{1} << (3 * (field.size() - 1));
    if (value >= 0 && static_cast<u64>(value) < limit) {
        auto text = fmt::format("{:0{}o}", value, field.size() - 1);
        return put_text(field, text);
    }
    auto bits = static_cast<u64>(value);
    for (usize i = field.size(); i-- > 0;) {
        field[i] = static_cast<char>(bits & 0xff);
        bits = bits >> 8 | (value < 0 ? 0xffull << 56 : 0);
    }
    field[0] = static_cast<char>(value < 0 ? 0xff : 0x80 | static_cast<u8>(field[0]));
}

std::string block(Ustar header) {
    std::memcpy(header.magic, "ustar", 6);
    std::memcpy(header.version, "00", 2);
    std::memset(header.checksum, ' ', sizeof header.checksum);
    std::string out(reinterpret_cast<const char*>(&header), sizeof header);
    u32 sum = 0;
    for (char c : out) sum += static_cast<u8>(c);
    auto text = fmt::format("{:06o}", sum);
    std::memcpy(out.data() + offsetof(Ustar, checksum), text.c_str(), 7);
    return out;
}

std::string padded(std::string data) {
    data.resize(align_up(data.size(), kTarBlock));
    return data;
}

/// A member of its own that speaks about the next one: 'x' PAX records, 'L' and 'K' GNU long names.
std::string extension(char type, std::string_view name, std::string data) {
    Ustar header{};
    put_text(header.name, name);
    put_number(header.mode, 0644);
    put_number(header.uid, 0);
    put_number(header.gid, 0);
    put_number(header.size, static_cast<i64>(data.size()));
    put_number(header.mtime, 0);
    header.type = type;
    return block(header) + padded(std::move(data));
}

std::string gnu_long(char type, std::string_view text) {
    return extension(type, "././@LongLink", std::string(text) + '\0');
}

/// A PAX record of exactly `bytes` bytes, its own decimal length included.
std::string comment_of(usize bytes) {
    auto length = std::to_string(bytes);
    constexpr std::string_view kKey = " comment=";
    return length + std::string(kKey) + std::string(bytes - length.size() - kKey.size() - 1, ' ') + '\n';
}

std::string record(std::string_view key, std::string_view value) {
    usize rest = key.size() + value.size() + 3;  // blank, '=', newline
    usize total = rest + std::to_string(rest).size();
    if (std::to_string(total).size() + rest != total) total++;
    return fmt::format("{} {}={}\n", total, key, value);
}

std::string fraction(i64 sec, u32 nsec) {
    // PAX times are decimal numbers: -1.25 is sec -2, nsec 750000000.
    if (sec >= 0) return fmt::format("{}.{:09}", sec, nsec);
    return fmt::format("-{}.{:09}", -(sec + 1), 1'000'000'000 - nsec);
}

/// Splits a path between ustar's prefix and name at a slash. False: it does not fit.
bool put_path(Ustar& header, std::string_view path) {
    if (path.size() <= sizeof header.name) {
        put_text(header.name, path);
        return true;
    }
    // The name part must not be empty: a directory's path ends with a slash.
    usize last = path.rfind('/', std::min(path.size() - 2, sizeof header.prefix));
    if (last == std::string_view::npos || last == 0 || path.size() - last - 1 > sizeof header.name)
        return false;
    put_text(header.prefix, path.substr(0, last));
    put_text(header.name, path.substr(last + 1));
    return true;
}

}  // namespace

std::string member_header(const Member& member, std::string_view path, u64 position, bool align) {
    Ustar header{};
    std::string out;
    if (!put_path(header, path)) {
        out += gnu_long('L', path);
        put_text(header.name, path);
    }
    if (member.target.size() > sizeof header.linkname) out += gnu_long('K', member.target);
    put_text(header.linkname, member.target);
    put_number(header.mode, member.permissions);
    put_number(header.uid, member.uid);
    put_number(header.gid, member.gid);
    put_number(header.size, member.kind == Kind::Regular ? static_cast<i64>(member.size) : 0);
    put_number(header.mtime, member.mtime_sec);
    header.type = type_flag(member.kind);
    put_number(header.devmajor, member.rdev >> 20);
    put_number(header.devminor, member.rdev & 0xfffff);

    std::string pax;
    if (member.mtime_nsec) pax = record("mtime", fraction(member.mtime_sec, member.mtime_nsec));
    if (align) {
        usize pax_bytes = pax.empty() ? 0 : kTarBlock + align_up(pax.size(), kTarBlock);
        u64 data = position + out.size() + pax_bytes + kTarBlock;
        u64 gap = align_up(data, kPageSize) - data;
        if (gap > 0 && pax.empty()) {
            // The comment comes with a header block and needs a block itself.
            if (gap < 2 * kTarBlock) gap += kPageSize;
            pax = comment_of(gap - kTarBlock);
        } else if (gap > 0) {
            pax += comment_of(align_up(pax.size(), kTarBlock) - pax.size() + gap);
        }
    }
    if (!pax.empty()) out += extension('x', "PaxHeaders/next", std::move(pax));
    return out + block(header);
}

}  // namespace astra::vmm::image
