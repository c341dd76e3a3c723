// Path walks, mounts, permissions and the errors of the calls that change names.
#include "guest_kernel/fs/dentry_cache.hpp"
#include "guest_kernel/fs/walk.hpp"
#include "tests/unit/kernel/fs_fixture.hpp"

namespace astra::test {

namespace {

class PathWalk : public FsTest {
  protected:
    void SetUp() override {
        FsTest::SetUp();
        mount_root();
        ASSERT_EQ(mkdir("/a"), kNoError);
        ASSERT_EQ(mkdir("/a/b"), kNoError);
        ASSERT_EQ(put("/a/b/file", "text"), kNoError);
        ASSERT_EQ(symlink("/a/b", "/abs"), kNoError);
        ASSERT_EQ(symlink("b/file", "/a/rel"), kNoError);
        ASSERT_EQ(symlink("loop", "/loop"), kNoError);
        ASSERT_EQ(symlink("missing", "/dangling"), kNoError);
    }
    static std::string where(std::string_view path, u32 walk = fs::kFollow) {
        auto found = fs::resolve(fs::root(), path, walk);
        if (!found) return abi::errno_name(static_cast<int>(found.error()));
        auto name = fs::path_name(*found);
        return name ? std::string(name->view()) : "?";
    }
    static fs::Caller user(u32 uid) {
        fs::Caller caller = fs::Caller::current();
        sched::Credentials& c = caller.credentials;
        const sched::Credentials before = c;
        c.uid = c.euid = c.suid = c.fsuid = c.gid = c.egid = c.sgid = c.fsgid = uid;
        c.follow_user_ids(before);
        return caller;
    }
};

TEST_F(PathWalk, Components) {
    EXPECT_EQ(where("/"), "/");
    EXPECT_EQ(where("//a///b/"), "/a/b");
    EXPECT_EQ(where("/a/./b/../b/file"), "/a/b/file");
    EXPECT_EQ(where("/../../a"), "/a");
    EXPECT_EQ(where("a/b"), "/a/b");
    EXPECT_EQ(where(""), "ENOENT");
    EXPECT_EQ(where("/a/nothing"), "ENOENT");
    EXPECT_EQ(where("/a/nothing/x"), "ENOENT");
    EXPECT_EQ(where("/a/b/file/"), "ENOTDIR");
    EXPECT_EQ(where("/a/b/file/."), "ENOTDIR");
    EXPECT_EQ(where("/a/b/file/.."), "ENOTDIR");
    EXPECT_EQ(where("/a/b/file/x"), "ENOTDIR");
    EXPECT_EQ(where("/" + std::string(256, 'n')), "ENAMETOOLONG");
    EXPECT_EQ(where(std::string(4096, '/')), "ENAMETOOLONG");
    EXPECT_EQ(where(std::string(4095, '/')), "/");
}

TEST_F(PathWalk, SymbolicLinks) {
    EXPECT_EQ(where("/abs"), "/a/b");
    EXPECT_EQ(where("/abs", 0), "/abs");
    EXPECT_EQ(where("/abs/", 0), "/a/b");
    EXPECT_EQ(where("/abs/file"), "/a/b/file");
    EXPECT_EQ(where("/abs/../rel"), "/a/b/file");
    EXPECT_EQ(where("/a/rel"), "/a/b/file");
    EXPECT_EQ(where("/a/rel/"), "ENOTDIR");
    EXPECT_EQ(where("/loop"), "ELOOP");
    EXPECT_EQ(where("/loop/x"), "ELOOP");
    EXPECT_EQ(where("/dangling"), "ENOENT");
    EXPECT_EQ(where("/dangling", 0), "/dangling");
    std::string last = "/a/b/file";
    for (int i = 0; i < 41; i++) {
        std::string name = "/chain" + std::to_string(i);
        ASSERT_EQ(symlink(last, name), kNoError);
        last = name;
    }
    EXPECT_EQ(where("/chain39"), "/a/b/file");
    EXPECT_EQ(where("/chain40"), "ELOOP");
}

TEST_F(PathWalk, Openat2Limits) {
    auto from = [](std::string_view base, std::string_view path, u32 walk) {
        auto start = fs::resolve(fs::root(), base, 0);
        return error_of(fs::resolve(*start, path, walk | fs::kFollow));
    };
    EXPECT_EQ(from("/a", "b/file", fs::kBeneath), kNoError);
    EXPECT_EQ(from("/a", "b/../rel", fs::kBeneath), kNoError);
    EXPECT_EQ(from("/a", "../a", fs::kBeneath), Errno::kEXDEV);
    EXPECT_EQ(from("/a", "/a", fs::kBeneath), Errno::kEXDEV);
    EXPECT_EQ(from("/", "abs", fs::kBeneath), Errno::kEXDEV);
    EXPECT_EQ(from("/a", "../../b/file", fs::kInRoot), kNoError);
    EXPECT_EQ(from("/a", "/b", fs::kInRoot), kNoError);
    EXPECT_EQ(from("/", "abs", fs::kNoSymlinks), Errno::kELOOP);
    EXPECT_EQ(from("/", "dev/null", fs::kNoCross), Errno::kEXDEV);
    EXPECT_EQ(from("/dev", "../a", fs::kNoCross), Errno::kEXDEV);
}

TEST_F(PathWalk, OpenFlags) {
    using fs::kODirectory, fs::kOExclusive, fs::kONoFollow, fs::kOPath, fs::kOTmpfile;
    auto error = [](std::string_view path, u32 flags) { return error_of(open(path, flags)); };
    EXPECT_EQ(error("/a/b", kOWriteOnly), Errno::kEISDIR);
    EXPECT_EQ(error("/a/b", kOCreate), Errno::kEISDIR);
    EXPECT_EQ(error("/a/b/", kOCreate), Errno::kEISDIR);
    EXPECT_EQ(error("/a/new/", kOCreate), Errno::kEISDIR);
    EXPECT_EQ(error("/a/b/file", kOCreate | kOExclusive), Errno::kEEXIST);
    EXPECT_EQ(error("/dangling", kOCreate | kOExclusive), Errno::kEEXIST);
    EXPECT_EQ(error("/", kOCreate | kOExclusive), Errno::kEEXIST);
    EXPECT_EQ(error("/a/rel", kONoFollow), Errno::kELOOP);
    EXPECT_EQ(error("/a/rel", kONoFollow | kOPath), kNoError);
    EXPECT_EQ(error("/abs", kONoFollow | kODirectory), Errno::kENOTDIR);
    EXPECT_EQ(error("/a/b/file", kODirectory), Errno::kENOTDIR);
    EXPECT_EQ(error("/dangling", kOCreate | kOWriteOnly), kNoError);
    EXPECT_EQ(cat("/missing"), "");
    EXPECT_EQ(error("/a/none/x", kOCreate), Errno::kENOENT);
    EXPECT_EQ(put("/a/b/file", "new"), kNoError);
    EXPECT_EQ(cat("/a/b/file"), "new");
    auto unnamed = open("/a", kOTmpfile | kOReadWrite);
    ASSERT_TRUE(unnamed.has_value());
    EXPECT_TRUE(write(**unnamed, "tmp").has_value());
    EXPECT_EQ(list("/a"), (Names{"b", "rel"}));
    EXPECT_EQ(error_of(fs::link(*(*unnamed)->path(), fs::root(), "/a/named")), kNoError);
    EXPECT_EQ(cat("/a/named"), "tmp");
    EXPECT_EQ(error("/a", kOTmpfile), Errno::kEINVAL);
}

TEST_F(PathWalk, NameErrors) {
    EXPECT_EQ(mkdir("/a"), Errno::kEEXIST);
    EXPECT_EQ(mkdir("/"), Errno::kEEXIST);
    EXPECT_EQ(mkdir("/a/."), Errno::kEEXIST);
    EXPECT_EQ(mkdir("/a/c/"), kNoError);
    EXPECT_EQ(symlink("x", "/a/d/"), Errno::kENOENT);
    EXPECT_EQ(rmdir("/a"), Errno::kENOTEMPTY);
    EXPECT_EQ(rmdir("/a/."), Errno::kEINVAL);
    EXPECT_EQ(rmdir("/a/.."), Errno::kENOTEMPTY);
    EXPECT_EQ(rmdir("/"), Errno::kEBUSY);
    EXPECT_EQ(rmdir("/a/rel"), Errno::kENOTDIR);
    EXPECT_EQ(rmdir("/dev"), Errno::kEBUSY);
    EXPECT_EQ(unlink("/a"), Errno::kEISDIR);
    EXPECT_EQ(unlink("/a/."), Errno::kEISDIR);
    EXPECT_EQ(unlink("/a/rel/"), Errno::kENOTDIR);
    EXPECT_EQ(unlink("/a/none"), Errno::kENOENT);
    EXPECT_EQ(rename("/a", "/a/b/c"), Errno::kEINVAL);
    EXPECT_EQ(rename("/a/b", "/a"), Errno::kENOTEMPTY);
    EXPECT_EQ(rename("/a/b/file", "/a/c"), Errno::kEISDIR);
    EXPECT_EQ(rename("/a/c", "/a/b/file"), Errno::kENOTDIR);
    EXPECT_EQ(rename("/a/c", "/a/b"), Errno::kENOTEMPTY);
    EXPECT_EQ(rename("/a/b/file", "/a/new/"), Errno::kENOTDIR);
    EXPECT_EQ(rename("/a/.", "/x"), Errno::kEBUSY);
    EXPECT_EQ(rename("/a/c", "/dev/c"), Errno::kEXDEV);
    EXPECT_EQ(rename("/a/b", "/a/c"), kNoError);
    EXPECT_EQ(cat("/a/c/file"), "text");
    EXPECT_EQ(rename("/a/c", "/a/x", fs::kRenameNoReplace), kNoError);
    EXPECT_EQ(rename("/a/x", "/abs", fs::kRenameNoReplace), Errno::kEEXIST);
    EXPECT_EQ(rename("/a/x", "/a/rel", fs::kRenameExchange), kNoError);
    EXPECT_EQ(cat("/a/rel/file"), "text");
    EXPECT_EQ(stat("/a/x", 0).mode & fs::kTypeMask, fs::kTypeSymlink);
    EXPECT_EQ(rename("/a/x", "/a/y", 8), Errno::kEINVAL);
}

TEST_F(PathWalk, NamesFollowRenames) {
    auto file = open("/a/b/file");
    auto cwd = fs::resolve(fs::root(), "/a/b", 0);
    ASSERT_TRUE(file && cwd);
    ASSERT_EQ(rename("/a", "/moved"), kNoError);
    EXPECT_EQ((*file)->describe()->view(), "/moved/b/file");
    EXPECT_EQ(fs::path_name(*cwd)->view(), "/moved/b");
    ASSERT_EQ(unlink("/moved/b/file"), kNoError);
    EXPECT_EQ((*file)->describe()->view(), "/moved/b/file (deleted)");
    ASSERT_EQ(rmdir("/moved/b"), kNoError);
    EXPECT_TRUE(fs::path_name(*cwd, fs::root())->deleted);
    EXPECT_EQ(error_of(fs::make_directory(*cwd, "x", 0755)), Errno::kENOENT);
    EXPECT_EQ(error_of(fs::resolve(*cwd, "..", 0)), kNoError);
}

TEST_F(PathWalk, Permissions) {
    fs::Caller owner = user(1000), other = user(2000), root = fs::Caller::current();
    auto may = [](const fs::Caller& who, std::string_view path, u32 wanted) {
        auto found = fs::Walker(who, fs::root(), fs::kFollow).resolve(path);
        if (!found) return found.error();
        return error_of(fs::check_access(*found->dentry->inode, wanted, who.credentials));
    };
    auto place = fs::resolve(fs::root(), "/a/b", 0);
    ASSERT_TRUE(fs::change_owner(*place, 1000, 1000).has_value());
    ASSERT_TRUE(fs::change_mode(*place, 0710).has_value());
    EXPECT_EQ(may(owner, "/a/b", fs::kRead | fs::kWrite | fs::kExecute), kNoError);
    EXPECT_EQ(may(other, "/a/b", fs::kRead), Errno::kEACCES);
    EXPECT_EQ(may(other, "/a/b/file", 0), Errno::kEACCES);
    other.credentials.groups[0] = 1000;
    other.credentials.group_count = 1;
    EXPECT_EQ(may(other, "/a/b", fs::kExecute), kNoError);
    EXPECT_EQ(may(other, "/a/b", fs::kRead), Errno::kEACCES);
    EXPECT_EQ(may(other, "/a/b/file", fs::kRead), kNoError);
    EXPECT_EQ(may(other, "/a/b/file", fs::kWrite), Errno::kEACCES);
    EXPECT_EQ(may(root, "/a/b/file", fs::kWrite), kNoError);
    EXPECT_EQ(may(root, "/a/b/file", fs::kExecute), Errno::kEACCES);
}

TEST_F(PathWalk, MountsComeAndGo) {
    auto mount = [](std::string_view type, std::string_view at, u64 flags, std::string_view source = "none") {
        auto place = fs::resolve(fs::root(), at, fs::kFollow);
        return error_of(fs::mount(source, *place, type, flags, ""));
    };
    auto unmount = [](std::string_view at, u32 flags = 0) {
        return error_of(fs::unmount(*fs::resolve(fs::root(), at, fs::kFollow), flags));
    };
    EXPECT_EQ(mount("nothing", "/a/b", 0), Errno::kENODEV);
    EXPECT_EQ(unmount("/a/b"), Errno::kEINVAL);
    ASSERT_EQ(mount("tmpfs", "/a/b", 0), kNoError);
    EXPECT_EQ(cat("/a/b/file"), "ENOENT");
    EXPECT_EQ(put("/a/b/inside", "x"), kNoError);
    EXPECT_EQ(where("/a/b/inside"), "/a/b/inside");
    EXPECT_EQ(where("/a/b/.."), "/a");
    EXPECT_EQ(rename("/a/b/inside", "/a/out"), Errno::kEXDEV);
    EXPECT_EQ(link("/a/b/inside", "/a/out"), Errno::kEXDEV);
    EXPECT_NE(stat("/a/b").dev, stat("/a").dev);
    {
        auto file = open("/a/b/inside");
        EXPECT_EQ(unmount("/a/b"), Errno::kEBUSY);
    }
    EXPECT_EQ(mount("", "/a/b", fs::kMountRemount | fs::kMountReadOnly), kNoError);
    EXPECT_EQ(put("/a/b/inside", "y"), Errno::kEROFS);
    EXPECT_EQ(put("/a/b/other", "y"), Errno::kEROFS);
    EXPECT_EQ(mkdir("/a/b/d"), Errno::kEROFS);
    EXPECT_EQ(unlink("/a/b/inside"), Errno::kEROFS);
    EXPECT_EQ(unmount("/a/b"), kNoError);
    EXPECT_EQ(cat("/a/b/file"), "text");
    EXPECT_EQ(unmount("/a/b"), Errno::kEINVAL);

    ASSERT_EQ(mkdir("/bound"), kNoError);
    ASSERT_EQ(mount("", "/bound", fs::kMountBind, "/a/b"), kNoError);
    EXPECT_EQ(cat("/bound/file"), "text");
    EXPECT_EQ(where("/bound/.."), "/");
    EXPECT_EQ(where("/bound/file"), "/bound/file");
    auto held = open("/bound/file");
    EXPECT_EQ(unmount("/bound", fs::kUnmountDetach), kNoError);
    EXPECT_EQ(read(**held), "text");
    EXPECT_EQ(cat("/bound/file"), "ENOENT");
}

TEST_F(PathWalk, CacheStaysBounded) {
    usize before = list("/dev").size();
    ASSERT_EQ(mkdir("/many"), kNoError);
    for (u32 i = 0; i < fs::DentryCache::kTarget + 2000; i++)
        ASSERT_EQ(put("/many/" + std::to_string(i), ""), kNoError);
    EXPECT_EQ(list("/many").size(), fs::DentryCache::kTarget + 2000);
    EXPECT_EQ(list("/dev").size(), before);
    for (u32 i = 0; i < fs::DentryCache::kTarget + 2000; i++)
        ASSERT_EQ(unlink("/many/" + std::to_string(i)), kNoError);
    EXPECT_EQ(rmdir("/many"), kNoError);
}

TEST_F(PathWalk, PivotRoot) {
    auto at = [](std::string_view path) { return *fs::resolve(fs::root(), path, fs::kFollow); };
    auto pivot = [&](std::string_view top, std::string_view old) {
        return error_of(fs::pivot_root(at(top), at(old)));
    };
    ASSERT_EQ(mkdir("/new"), kNoError);
    ASSERT_EQ(mkdir("/beside"), kNoError);
    ASSERT_EQ(put("/file", "old"), kNoError);
    EXPECT_EQ(pivot("/new", "/new"), Errno::kEBUSY);  // on the root's own mount
    ASSERT_EQ(error_of(fs::mount("none", at("/new"), "tmpfs", 0, "")), kNoError);
    ASSERT_EQ(error_of(fs::mount("none", at("/beside"), "tmpfs", 0, "")), kNoError);
    ASSERT_EQ(mkdir("/new/old"), kNoError);
    ASSERT_EQ(mkdir("/new/sub"), kNoError);
    ASSERT_EQ(put("/new/file", "new"), kNoError);
    EXPECT_EQ(pivot("/new/sub", "/new/old"), Errno::kEINVAL);  // not the top of a mount
    EXPECT_EQ(pivot("/new", "/beside"), Errno::kEINVAL);       // not below the new root
    EXPECT_EQ(pivot("/new", "/"), Errno::kEBUSY);
    ASSERT_EQ(pivot("/new", "/new/old"), kNoError);
    EXPECT_EQ(cat("/file"), "new");
    EXPECT_EQ(cat("/old/file"), "old");
    EXPECT_EQ(cat("/../file"), "new");
    EXPECT_EQ(list("/old/new").size(), 0u);  // nothing is mounted there any more
    EXPECT_EQ(error_of(fs::unmount(at("/"), 0)), Errno::kEBUSY);
    EXPECT_EQ(error_of(fs::unmount(at("/old"), fs::kUnmountDetach)), kNoError);
    EXPECT_EQ(cat("/old/file"), "ENOENT");
}

TEST_F(PathWalk, EachDevptsHasItsOwnNumbers) {
    auto at = [](std::string_view path) { return *fs::resolve(fs::root(), path, fs::kFollow); };
    ASSERT_EQ(mkdir("/pts"), kNoError);
    EXPECT_EQ(error_of(fs::mount("none", at("/pts"), "devpts", 0, "mode=999")), Errno::kEINVAL);
    EXPECT_EQ(error_of(fs::mount("none", at("/pts"), "devpts", 0, "colour=red")), Errno::kEINVAL);
    ASSERT_EQ(error_of(fs::mount("none", at("/pts"), "devpts", 0, "mode=620,gid=5,ptmxmode=600")), kNoError);
    EXPECT_EQ(list("/pts"), (Names{"ptmx"}));
    {
        auto first = open("/pts/ptmx", kOReadWrite), second = open("/pts/ptmx", kOReadWrite),
             other = open("/dev/ptmx", kOReadWrite);
        ASSERT_TRUE(first && second && other);
        EXPECT_EQ(list("/pts", 1), (Names{"ptmx", "0", "1"}));
        EXPECT_EQ(list("/dev/pts"), (Names{"ptmx", "0"}));
        EXPECT_EQ(stat("/pts/1").mode, fs::kTypeCharDevice | 0620);
        EXPECT_EQ(stat("/pts/1").gid, 5u);
        EXPECT_EQ(stat("/pts/1").rdev, fs::make_device(136, 1));
        EXPECT_EQ(error_of(open("/pts/0", kOReadWrite)), Errno::kEIO);  // locked
        first = fail(Errno::kEBADF);
        EXPECT_EQ(list("/pts"), (Names{"ptmx", "1"}));
        EXPECT_EQ(resolve_error("/pts/0"), Errno::kENOENT);
    }
    EXPECT_EQ(list("/pts"), (Names{"ptmx"}));
    // A node of that number outside any devpts is nobody's terminal, and a master needs a devpts beside it.
    ASSERT_TRUE(fs::make_node(fs::root(), "/node", fs::kTypeCharDevice | 0600, fs::make_device(136, 0)));
    EXPECT_EQ(error_of(open("/node", kOReadWrite)), Errno::kEIO);
    ASSERT_EQ(mkdir("/dir"), kNoError);
    ASSERT_TRUE(fs::make_node(fs::root(), "/dir/ptmx", fs::kTypeCharDevice | 0600, fs::make_device(5, 2)));
    EXPECT_EQ(error_of(open("/dir/ptmx", kOReadWrite)), Errno::kENODEV);
}

}  // namespace

}  // namespace astra::test
