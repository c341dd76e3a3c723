// fs and io: files, directories, links, buffers, and the errors they answer; with the specification's own
// file tests.
#include "guest_runtime/fs/fs.hpp"

#include "guest_runtime/io/buffered.hpp"
#include "guest_runtime/path/path.hpp"
#include "tests/guest/runtime/check.hpp"

using namespace astra;
using namespace astra::test;
using io::ErrorKind;

namespace {

// The specification, "fs.rs", Testing, and "Testing Strategy", test_file_read: a file of the TAR.
io::Result<void> specification() {
    auto file = TRY(fs::File::open("/index.html"));
    String contents;
    TRY(file.read_to_string(contents));
    check("read_to_string of /index.html has <html>",
          contents.view().find("<html>") != std::string_view::npos);
    check("open of /nonexistent fails", !fs::File::open("/nonexistent"));
    fails("open of /nonexistent is NotFound", fs::File::open("/nonexistent"), ErrorKind::NotFound);
    equal("open of /nonexistent is ENOENT", *fs::File::open("/nonexistent").error().raw_os_error(), 2);
    equal("seek to Start(10)", TRY(file.seek(io::SeekFrom::Start(10))), 10u);
    u8 rest[4];
    TRY(file.read_exact(rest));
    equal("reading goes on there", io::as_text(rest), contents.view().substr(10, 4));
    auto again = TRY(fs::File::open("/test.html"));
    u8 buffer[100] = {};
    usize count = TRY(again.read(buffer));
    check("test_file_read: n > 0", count > 0);
    check("test_file_read: <!DOCTYPE html>", io::as_text(buffer).starts_with("<!DOCTYPE html>"));
    return {};
}

io::Result<void> files() {
    auto file = TRY(fs::File::create("/tmp/rt/a"));
    TRY(file.write_all("hello\nworld\n"));
    TRY(file.write_fmt("{}-{:03}\n", "x", 7));
    TRY(file.close());
    equal("write_all and write_fmt", TRY(fs::read_to_string("/tmp/rt/a")).view(), "hello\nworld\nx-007\n");
    fails("create_new of a file that is there", fs::File::create_new("/tmp/rt/a"), ErrorKind::AlreadyExists);
    fails("open of a directory for writing", fs::OpenOptions().write(true).open("/tmp/rt"),
          ErrorKind::IsADirectory);
    fails("a path through a file", fs::File::open("/tmp/rt/a/b"), ErrorKind::NotADirectory);
    fails("options without access", fs::OpenOptions().open("/tmp/rt/a"), ErrorKind::InvalidInput);
    fails("truncate without write", fs::OpenOptions().read(true).truncate(true).open("/tmp/rt/a"),
          ErrorKind::InvalidInput);
    fails("a name with NUL", fs::File::open(std::string_view("a\0b", 3)), ErrorKind::InvalidInput);

    auto both = TRY(fs::OpenOptions().read(true).write(true).open("/tmp/rt/a"));
    equal("seek End(-6)", TRY(both.seek(io::SeekFrom::End(-6))), 12u);
    equal("seek Current(-2)", TRY(both.seek(io::SeekFrom::Current(-2))), 10u);
    equal("stream_position", TRY(both.stream_position()), 10u);
    fails("seek before the start", both.seek(io::SeekFrom::Current(-100)), ErrorKind::InvalidInput);
    TRY(both.rewind());
    u8 five[5];
    TRY(both.read_exact(five));
    equal("read_exact after rewind", io::as_text(five), "hello");
    u8 many[100];
    fails("read_exact beyond the end", both.read_exact(many), ErrorKind::UnexpectedEof);
    equal("read at the end", TRY(both.read(many)), 0u);
    equal("read_at", TRY(both.read_at({five, 5}, 6)), 5u);
    equal("read_at's bytes", io::as_text(five), "world");
    equal("write_at", TRY(both.write_at(io::as_bytes("W"), 6)), 1u);
    TRY(both.set_len(8));
    equal("set_len cuts", TRY(fs::read_to_string("/tmp/rt/a")).view(), "hello\nWo");
    TRY(both.set_len(10));
    equal("set_len extends", TRY(both.metadata()).len(), 10u);
    fails("set_len on a file open for reading", TRY(fs::File::open("/tmp/rt/a")).set_len(1),
          ErrorKind::InvalidInput);
    auto twin = TRY(both.try_clone());
    TRY(twin.seek(io::SeekFrom::Start(3)));
    equal("try_clone shares the position", TRY(both.stream_position()), 3u);
    succeeds("sync_all", both.sync_all());
    succeeds("sync_data", both.sync_data());

    auto log = TRY(fs::OpenOptions().append(true).create(true).open("/tmp/rt/log"));
    TRY(log.write_all("1"));
    TRY(fs::OpenOptions().append(true).open("/tmp/rt/log")->write_all("2"));
    TRY(log.write_all("3"));
    equal("append", TRY(fs::read_to_string("/tmp/rt/log")).view(), "123");
    fails("reading a file that is open for writing", log.read(many), ErrorKind::Uncategorized);
    u8 not_utf8[] = {'a', 0xff};
    TRY(fs::write("/tmp/rt/bytes", not_utf8));
    fails("read_to_string of what is not UTF-8", fs::read_to_string("/tmp/rt/bytes"), ErrorKind::InvalidData);
    equal("read", TRY(fs::read("/tmp/rt/bytes")).size(), 2u);
    return {};
}

io::Result<void> status() {
    TRY(fs::write("/tmp/rt/m", "12345"));
    auto m = TRY(fs::metadata("/tmp/rt/m"));
    equal("len", m.len(), 5u);
    check("is_file, not is_dir", m.is_file() && !m.is_dir() && !m.is_symlink());
    check("modified after 2020", m.modified() > time::SystemTime(1'600'000'000, 0));
    check("modified lately",
          m.modified().elapsed().value_or(time::Duration::max()) < time::Duration::from_secs(600));
    TRY(fs::set_permissions("/tmp/rt/m", fs::Permissions(0444)));
    check("set_permissions", TRY(fs::metadata("/tmp/rt/m")).permissions().readonly());
    auto file = TRY(fs::File::open("/tmp/rt/m"));
    TRY(file.set_times(time::SystemTime(1000, 5), time::SystemTime(2000, 7)));
    m = TRY(file.metadata());
    check("set_times",
          m.modified() == time::SystemTime(2000, 7) && m.accessed() == time::SystemTime(1000, 5));
    TRY(fs::symlink("m", "/tmp/rt/link"));
    check("symlink_metadata", TRY(fs::symlink_metadata("/tmp/rt/link")).is_symlink());
    check("metadata follows", TRY(fs::metadata("/tmp/rt/link")).is_file());
    equal("read_link", TRY(fs::read_link("/tmp/rt/link")).view(), "m");
    fails("read_link of a file", fs::read_link("/tmp/rt/m"), ErrorKind::InvalidInput);
    equal("canonicalize", TRY(fs::canonicalize("/tmp/rt/../rt/./link")).view(), "/tmp/rt/m");
    fails("canonicalize of nothing", fs::canonicalize("/tmp/rt/no"), ErrorKind::NotFound);
    TRY(fs::symlink("loop", "/tmp/rt/loop"));
    fails("a link to itself", fs::File::open("/tmp/rt/loop"), ErrorKind::FilesystemLoop);
    fails("canonicalize of a link to itself", fs::canonicalize("/tmp/rt/loop"), ErrorKind::FilesystemLoop);
    TRY(fs::hard_link("/tmp/rt/m", "/tmp/rt/hard"));
    equal("hard_link", TRY(fs::metadata("/tmp/rt/m")).nlink(), 2u);
    check("exists", TRY(fs::exists("/tmp/rt/m")) && !TRY(fs::exists("/tmp/rt/none")));
    equal("copy", TRY(fs::copy("/tmp/rt/m", "/tmp/rt/copy")), 5u);
    check("copy copies permissions",
          TRY(fs::metadata("/tmp/rt/copy")).permissions() == fs::Permissions(0444));
    fails("copy of a directory", fs::copy("/tmp/rt", "/tmp/x"), ErrorKind::InvalidInput);
    TRY(fs::rename("/tmp/rt/copy", "/tmp/rt/renamed"));
    check("rename", !TRY(fs::exists("/tmp/rt/copy")) && TRY(fs::exists("/tmp/rt/renamed")));
    fails("rename of nothing", fs::rename("/tmp/rt/copy", "/tmp/rt/y"), ErrorKind::NotFound);
    TRY(fs::remove_file("/tmp/rt/renamed"));
    fails("remove_file twice", fs::remove_file("/tmp/rt/renamed"), ErrorKind::NotFound);
    return {};
}

io::Result<void> directories() {
    TRY(fs::create_dir_all("/tmp/rt/d/e/f"));
    succeeds("create_dir_all of what is there", fs::create_dir_all("/tmp/rt/d/e/f"));
    fails("create_dir of what is there", fs::create_dir("/tmp/rt/d"), ErrorKind::AlreadyExists);
    fails("create_dir below nothing", fs::create_dir("/tmp/rt/x/y"), ErrorKind::NotFound);
    for (int i = 0; i < 100; i++) {
        String name = TRY(format("/tmp/rt/d/file-{:03}", i));
        TRY(fs::write(name, "x"));
    }
    usize count = 0, directories = 0;
    auto dir = TRY(fs::read_dir("/tmp/rt/d"));
    while (auto entry = TRY(dir.next())) {
        count++;
        auto type = TRY(entry->file_type());
        directories += type.is_dir();
        if (entry->file_name() == "file-042")
            equal("DirEntry::path", TRY(entry->path()).view(), "/tmp/rt/d/file-042");
        if (entry->file_name() == "file-043") equal("DirEntry::metadata", TRY(entry->metadata()).len(), 1u);
    }
    equal("read_dir finds all", count, 101u);
    equal("file_type", directories, 1u);
    fails("read_dir of a file", fs::read_dir("/tmp/rt/d/file-000"), ErrorKind::NotADirectory);
    fails("remove_dir of a full one", fs::remove_dir("/tmp/rt/d"), ErrorKind::DirectoryNotEmpty);
    fails("remove_file of a directory", fs::remove_file("/tmp/rt/d"), ErrorKind::IsADirectory);
    TRY(fs::symlink("/tmp/rt/m", "/tmp/rt/d/away"));
    TRY(fs::remove_dir_all("/tmp/rt/d"));
    check("remove_dir_all removes all", !TRY(fs::exists("/tmp/rt/d")));
    check("and does not follow links", TRY(fs::exists("/tmp/rt/m")));
    return {};
}

io::Result<void> buffers() {
    TRY(fs::write("/tmp/rt/lines", "one\ntwo\r\n\nlast"));
    io::BufReader in(TRY(fs::File::open("/tmp/rt/lines")), 4);
    String gathered;
    TRY(in.lines([&](std::string_view line) -> io::Result<void> {
        TRY(gathered.append(line));
        TRY(gathered.push_back('|'));
        return {};
    }));
    equal("BufReader::lines over small buffers", gathered.view(), "one|two||last|");
    {
        io::BufWriter out(TRY(fs::File::create("/tmp/rt/out")), 16);
        for (int i = 0; i < 10; i++) TRY(out.write_fmt("{} ", i));
        check("BufWriter holds back", TRY(fs::metadata("/tmp/rt/out")).len() < 20);
        TRY(out.flush());
        equal("flush writes", TRY(fs::metadata("/tmp/rt/out")).len(), 20u);
        TRY(out.write_all("end"));
    }
    equal("its destructor writes the rest", TRY(fs::read_to_string("/tmp/rt/out")).view(),
          "0 1 2 3 4 5 6 7 8 9 end");
    auto from = TRY(fs::File::open("/tmp/rt/out"));
    auto to = TRY(fs::File::create("/tmp/rt/out2"));
    equal("io::copy", TRY(io::copy(from, to)), 23u);
    return {};
}

}  // namespace

int main() {
    (void)fs::remove_dir_all("/tmp/rt");
    if (auto made = fs::create_dir_all("/tmp/rt"); !made) return process::report(made);
    run("specification", specification);
    run("files", files);
    run("status", status);
    run("directories", directories);
    run("buffers", buffers);
    succeeds("clean up", fs::remove_dir_all("/tmp/rt"));
    return finish("rt_fs");
}
