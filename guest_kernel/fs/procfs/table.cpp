// File systems made of facts; see the header.
#include "guest_kernel/fs/procfs/table.hpp"

#include <optional>

#include "guest_kernel/fs/flags.hpp"
#include "guest_kernel/fs/inode_file.hpp"
#include "guest_kernel/fs/walk.hpp"

namespace astra::fs {

namespace {

class TableFileSystem final : public FileSystem {
  public:
    explicit TableFileSystem(const Tree& tree) : tree(tree), made(current_time()) {}
    [[nodiscard]] std::string_view type() const override { return tree.type; }
    [[nodiscard]] Ref<Inode> root_inode() override { return root; }
    Result<void> statfs(abi::StatFs& out) override {
        out = {};
        out.type = tree.magic;
        out.bsize = out.frsize = kPageSize;
        out.fsid[0] = static_cast<i32>(device());
        out.namelen = kNameMax;
        return {};
    }
    const Tree tree;
    const abi::TimeSpec made;
    Ref<Inode> root;
};

/// One generated text, shared by the readers of an open file.
struct Snapshot : RefCounted {
    explicit Snapshot(String content) : text(std::move(content)) {}
    String text;
};

class TableFile final : public InodeFile {
  public:
    TableFile(const Path& path, const Entry& entry, const Subject& subject)
        : InodeFile(path), entry_(entry), subject_(subject) {}

    // Reading from the start takes the facts anew (top and its like seek back); what follows continues there.
    Result<usize> read(Buffer& to, i64* offset) override {
        if (entry_.read) return advance(entry_.read(subject_, to, static_cast<u64>(*offset)), offset);
        Ref<Snapshot> snapshot = *shown_.lock();
        if (*offset == 0 || !snapshot) {
            Text text;
            TRY(entry_.show(subject_, text));
            snapshot = TRY(make_ref<Snapshot>(TRY(text.take())));
            Ref<Snapshot> old = snapshot;
            auto shown = shown_.lock();
            std::swap(*shown, old);
            shown.unlock();
        }
        std::string_view text = snapshot->text.view();
        if (*offset < 0 || static_cast<u64>(*offset) >= text.size()) return 0;
        text.remove_prefix(static_cast<usize>(*offset));
        if (text.size() > to.remaining()) text = text.substr(0, to.remaining());
        usize moved = TRY(to.put({reinterpret_cast<const u8*>(text.data()), text.size()}));
        *offset += static_cast<i64>(moved);
        return moved;
    }

    Result<usize> write(Buffer& from, i64* offset) override {
        if (entry_.write) return advance(entry_.write(subject_, from, static_cast<u64>(*offset)), offset);
        if (!entry_.store) return fail(Errno::kEINVAL);
        char text[256];
        usize count = from.remaining() < sizeof text ? from.remaining() : sizeof text;
        usize moved = TRY(from.take({reinterpret_cast<u8*>(text), count}));
        std::string_view value(text, moved);
        while (value.ends_with('\n')) value.remove_suffix(1);
        TRY(entry_.store(subject_, value));
        *offset += static_cast<i64>(moved);
        return moved;
    }
    Result<void> truncate(i64) override { return {}; }  // `echo x >file` does this first

  private:
    static Result<usize> advance(Result<usize> moved, i64* offset) {
        if (moved) *offset += static_cast<i64>(*moved);
        return moved;
    }
    const Entry& entry_;
    const Subject subject_;
    sched::SpinLocked<Ref<Snapshot>, sched::Rank::Attributes> shown_;
};

class TableInode final : public Inode {
  public:
    TableInode(TableFileSystem& fs, const Entry& entry, const Subject& subject)
        : Inode(entry.type()), fs_(fs), entry_(entry), subject_(subject) {}

    [[nodiscard]] Ownership ownership() override {
        Ownership own{type() | entry_.mode, 0, 0};
        if (!subject_.pid) return own;
        if (auto process = process_of(subject_)) {
            sched::Credentials who = (*process)->credentials();
            own.uid = who.euid;
            own.gid = who.egid;
        }
        return own;
    }

    Result<void> stat(abi::Stat& out) override {
        Ownership own = ownership();
        out = {};
        out.dev = fs_.device();
        out.ino = number(entry_, subject_);
        out.nlink = 1;
        if (is_directory()) {
            out.nlink = 2;
            for (const Entry& child : entry_.children) out.nlink += child.type() == kTypeDirectory;
        }
        out.mode = own.mode;
        out.uid = own.uid;
        out.gid = own.gid;
        out.size = entry_.follow ? 64 : 0;
        out.blksize = 1024;
        out.atime = out.mtime = out.ctime = fs_.made;
        return {};
    }
    Result<void> set_attributes(const Attributes& changes) override {
        return changes.which == Attributes::kSize && entry_.store ? Result<void>{} : fail(Errno::kEPERM);
    }

    [[nodiscard]] bool dynamic_names() const override { return fs_.tree.dynamic; }

    Result<Ref<Inode>> lookup(std::string_view name) override {
        if (!is_directory()) return fail(Errno::kENOTDIR);
        for (const Entry& child : entry_.children)
            if (child.name == name) return node(child, subject_);
        if (const Numbers* numbers = entry_.numbers) {
            auto number =
                name.starts_with(numbers->prefix) ? parse(name.substr(numbers->prefix.size())) : std::nullopt;
            if (number && numbers->next(subject_, *number) == *number)
                return node(numbers->entry, numbers->member(subject_, *number));
        }
        return fail(Errno::kENOENT);
    }

    Result<void> list(u64& cursor, DirectorySink& sink) override {
        for (; cursor < entry_.children.size(); cursor++) {
            const Entry& child = entry_.children[cursor];
            if (!sink.entry(child.name, number(child, subject_), entry_type(child.type()),
                            static_cast<i64>(cursor + 1)))
                return {};
        }
        const Numbers* numbers = entry_.numbers;
        if (!numbers) return {};
        for (;;) {
            int at = numbers->next(subject_, static_cast<int>(cursor - entry_.children.size()));
            if (at < 0) return {};
            char name[24];
            usize length = format_to(name, sizeof name, "%.*s%d", ASTRA_TEXT(numbers->prefix), at);
            u64 next = entry_.children.size() + static_cast<u64>(at) + 1;
            if (!sink.entry({name, length}, number(numbers->entry, numbers->member(subject_, at)),
                            entry_type(numbers->entry.type()), static_cast<i64>(next)))
                return {};
            cursor = next;
        }
    }

    Result<String> read_link() override {
        if (!entry_.link) return fail(Errno::kEINVAL);
        return entry_.link(subject_);
    }
    Result<Path> follow_magic() override { return entry_.follow ? entry_.follow(subject_) : Path(); }

    [[nodiscard]] int process_id() const override {
        bool one_of_many = is_directory() && entry_.name.empty();
        return one_of_many && !subject_.tid ? subject_.pid : 0;
    }

    Result<Ref<File>> open(const Path& path, u32 flags) override {
        if (!is_regular()) return Inode::open(path, flags);
        return Ref<File>(TRY(make_ref<TableFile>(path, entry_, subject_)));
    }

  private:
    Result<Ref<Inode>> node(const Entry& entry, const Subject& subject) {
        return Ref<Inode>(TRY(make_ref<TableInode>(fs_, entry, subject)));
    }
    /// A decimal number without leading zeros.
    static std::optional<int> parse(std::string_view text) {
        if (text.empty() || text.size() > 9 || (text.size() > 1 && text[0] == '0')) return {};
        int value = 0;
        for (char c : text) {
            if (c < '0' || c > '9') return {};
            value = value * 10 + (c - '0');
        }
        return value;
    }
    /// An inode number that is the same each time: the entry's own and its subject's, mixed.
    static u64 number(const Entry& entry, const Subject& subject) {
        u64 h = 0xcbf29ce484222325;
        for (u64 part : {reinterpret_cast<u64>(&entry), u64(u32(subject.pid)), u64(u32(subject.tid)),
                         u64(u32(subject.fd + 1))})
            h = (h ^ part) * 0x100000001b3;
        return (h ^ (h >> 32)) & 0x7fffffff;
    }

    TableFileSystem& fs_;
    const Entry& entry_;
    const Subject subject_;
};

}  // namespace

Result<Ref<FileSystem>> make_table_file_system(const Tree& tree) {
    Ref<TableFileSystem> fs = TRY(make_ref<TableFileSystem>(tree));
    fs->root = Ref<Inode>(TRY(make_ref<TableInode>(*fs, tree.root, Subject{})));
    return Ref<FileSystem>(std::move(fs));
}

Result<Ref<sched::Process>> process_of(const Subject& subject) {
    Ref<sched::Process> process = sched::find_process(subject.pid);
    if (!process) return fail(Errno::kENOENT);
    return process;
}

Result<Ref<sched::Process>> private_process_of(const Subject& subject) {
    Ref<sched::Process> process = TRY(process_of(subject));
    if (!sched::may_inspect(*process)) return fail(Errno::kEACCES);
    return process;
}

}  // namespace astra::fs
