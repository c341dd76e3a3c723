// Files and processes of running guests, through the daemon and the command line.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "tests/integration/daemon/fixture.hpp"

namespace astra::tests {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Files : public Daemon {
  protected:
    void SetUp() override {
        Daemon::SetUp();
        if (IsSkipped()) return;
        image();
        ASSERT_TRUE(launch("box", "echo up; trap 'exit 0' TERM; while :; do sleep 0.1; done"));
        std::filesystem::create_directory(folder());
    }
    [[nodiscard]] std::string folder() const { return daemon_.folder() + "/here"; }
    [[nodiscard]] Said in_folder(const std::string& command) const {
        return shell("cd " + folder() + " && exec 2>&1 && " + command);
    }
    void expect_fine(const Said& said) { EXPECT_EQ(said.status, 0) << said.out; }
};

TEST_F(Files, TravelIntoAGuestAndBack) {
    expect_fine(
        in_folder("mkdir -p tree/empty tree/deep/er && head -c 3000000 /dev/urandom > tree/deep/er/big && "
                  "printf small > tree/run.sh && chmod 751 tree/run.sh && ln -s run.sh tree/link && "
                  "touch -d '2001-02-03 04:05:06 UTC' tree/run.sh tree/empty && chmod 700 tree/empty"));
    expect_fine(astra("cp " + folder() + "/tree box:/tmp"));
    expect_fine(astra("cp " + folder() + "/tree/run.sh box:/tmp/renamed"));
    auto seen = astra(
        "exec box sh -c 'cd /tmp/tree; stat -c \"%n %a %u %Y %F\" run.sh empty link; readlink link; "
        "cat /tmp/renamed'");
    EXPECT_THAT(seen.out, HasSubstr("run.sh 751 0 981173106 regular file\n"));
    EXPECT_THAT(seen.out, HasSubstr("empty 700 0 981173106 directory\n"));
    EXPECT_THAT(seen.out, HasSubstr("run.sh\nsmall"));

    expect_fine(astra("cp box:/tmp/tree " + folder() + "/back"));
    expect_fine(
        in_folder("diff -r tree back && cd back && stat -c '%a %Y' run.sh > ../stat && readlink link"));
    EXPECT_EQ(in_folder("cat stat").out, "751 981173106\n");
    // Into a directory that is there it goes by its own name; a file of the kernel's making has no size
    // before.
    expect_fine(astra("cp box:/proc/version " + folder()));
    EXPECT_THAT(in_folder("cat version").out, HasSubstr("Linux version"));
    // As a stream, and what is there is replaced.
    expect_fine(in_folder("printf other > tree/run.sh && tar -C tree -cf - run.sh > run.tar"));
    expect_fine(shell("ASTRA_HOST=" + daemon_.socket() + " " ASTRA_PROGRAM " cp - box:/tmp/tree 2>&1 <" +
                      folder() + "/run.tar"));
    EXPECT_EQ(astra("exec box cat /tmp/tree/run.sh").out, "other");
    EXPECT_EQ(
        shell("ASTRA_HOST=" + daemon_.socket() + " " ASTRA_PROGRAM " cp box:/tmp/tree/deep - | tar -t").out,
        "deep/\ndeep/er/\ndeep/er/big\n");
}

TEST_F(Files, SayWhatIsWrong) {
    auto missing = astra("cp box:/no/such " + folder() + "/x");
    EXPECT_EQ(missing.status, 6);
    EXPECT_THAT(missing.out, HasSubstr("/no/such: No such file or directory"));
    EXPECT_FALSE(std::filesystem::exists(folder() + "/x"));
    EXPECT_EQ(astra("cp nobody:/etc/passwd " + folder()).status, 6);
    EXPECT_EQ(astra("cp /etc/passwd nobody:/tmp").status, 6);
    EXPECT_EQ(astra("cp /etc/passwd box:/no/such/").status, 6);
    EXPECT_EQ(astra("cp /no/such box:/tmp").status, 6);
    EXPECT_EQ(astra("cp /etc/passwd /tmp/x").status, 1);
    // More than the guest has room for, half of its 128 MiB: what was there stays, and the guest goes on.
    expect_fine(in_folder("truncate -s 100M big"));
    auto full = astra("cp " + folder() + "/big box:/tmp");
    EXPECT_NE(full.status, 0);
    EXPECT_THAT(full.out, HasSubstr("No space left on device"));
    EXPECT_EQ(astra("exec box sh -c 'rm /tmp/big; echo fine'").out, "fine\n");
}

TEST_F(Files, ArchivesThatLeaveTheirPlaceAreRefused) {
    expect_fine(
        in_folder("mkdir -p a && echo evil > evil && cd a && tar -P -cf ../up.tar ../evil && "
                  "tar -P -cf ../absolute.tar " +
                  folder() + "/evil"));
    for (const char* name : {"up", "absolute"}) {
        auto refused = shell("ASTRA_HOST=" + daemon_.socket() + " " ASTRA_PROGRAM " cp - box:/tmp 2>&1 <" +
                             folder() + "/" + name + ".tar");
        EXPECT_EQ(refused.status, 1) << refused.out;
    }
    // A guest's tree with a link out of it: what lies behind the link here is not written to.
    expect_fine(astra("exec box sh -c 'mkdir -p /tmp/t && ln -s " + folder() + " /tmp/t/out'"));
    expect_fine(astra("cp box:/tmp/t " + folder()));
    EXPECT_TRUE(std::filesystem::is_symlink(folder() + "/t/out"));
}

TEST_F(Files, ChangesAreALayerOverTheImage) {
    expect_fine(astra(
        "exec box sh -c 'mkdir -p /new/dir; echo made >/new/dir/file; echo more >>/etc/passwd; "
        "chmod 600 /etc/group; rm -r /bin/cat; ln /new/dir/file /new/again; mv /etc/hosts /etc/moved'"));
    std::string layer = folder() + "/layer.tar";
    expect_fine(astra("export box " + layer));
    std::string names = shell("tar -tf " + layer).out;
    for (const char* name : {"new/dir/file\n", "new/again\n", "etc/passwd\n", "etc/group\n"})
        EXPECT_THAT("\n" + names, HasSubstr("\n" + std::string(name)));
    EXPECT_THAT(names, HasSubstr("bin/.wh.cat\n"));
    EXPECT_THAT(names, Not(HasSubstr("bin/busybox")));
    EXPECT_THAT(names, Not(HasSubstr("proc/")));
    EXPECT_THAT(shell("tar -xOf " + layer + " etc/passwd").out, HasSubstr("more\n"));
    EXPECT_EQ(shell("tar -xOf " + layer + " new/dir/file").out +
                  shell("tar -tvf " + layer + " | grep -c 'link to'").out,
              "made\n1\n");
}

TEST_F(Files, ProcessesAreListed) {
    auto list = astra("ps box");
    EXPECT_EQ(list.status, 0);
    EXPECT_THAT(list.out, HasSubstr("sh -c echo up;"));
    auto json = astra("ps box -o json");
    EXPECT_THAT(json.out, HasSubstr("\"pid\": 1,"));
    EXPECT_EQ(astra("ps nobody").status, 6);
    EXPECT_EQ(astra("stop box").status, 0);
    EXPECT_EQ(astra("ps box").status, 1);
    EXPECT_EQ(astra("cp box:/etc/passwd -").status, 1);
}

}  // namespace
}  // namespace astra::tests
