// Descriptor tables: numbers, flags, copies, limits, and when files are let go.
#include "guest_kernel/fs/fd_table.hpp"

#include "guest_kernel/fs/flags.hpp"
#include "tests/unit/kernel/threads.hpp"

#include <map>
#include <random>

namespace astra::test {

namespace {

using fs::FdTable;
using fs::File;

constexpr u64 kLimit = 1024;

int closed;
class TestFile final : public File {
  public:
    void on_close() override { closed++; }
};

class FdTables : public ThreadTest {
  protected:
    void SetUp() override {
        ThreadTest::SetUp();
        closed = 0;
        table = *FdTable::create();
    }
    static Ref<File> file() { return Ref<File>(*make_ref<TestFile>()); }
    int install(int from = 0, bool close_on_exec = false) {
        Result<int> fd = table->install(file(), close_on_exec, kLimit, from);
        return fd ? *fd : -static_cast<int>(fd.error());
    }
    Ref<FdTable> table;
};

TEST_F(FdTables, GiveTheLowestNumber) {
    for (int i = 0; i < 5; i++) EXPECT_EQ(install(), i);
    EXPECT_TRUE(table->close(1) && table->close(3));
    EXPECT_EQ(install(2), 3);
    EXPECT_EQ(install(), 1);
    EXPECT_EQ(install(100), 100);
    EXPECT_EQ(install(), 5);
    EXPECT_EQ(table->close(50).error(), Errno::kEBADF);
    EXPECT_EQ(table->close(-1).error(), Errno::kEBADF);
    EXPECT_EQ(table->get(100000).error(), Errno::kEBADF);
    EXPECT_EQ(table->next(6), 100);
    EXPECT_EQ(table->next(101), -1);
}

TEST_F(FdTables, KeepToTheLimit) {
    for (u64 i = 0; i < kLimit; i++) EXPECT_EQ(install(), static_cast<int>(i));
    EXPECT_EQ(install(), -static_cast<int>(Errno::kEMFILE));
    EXPECT_EQ(install(2000), -static_cast<int>(Errno::kEMFILE));
    EXPECT_EQ(table->install_at(static_cast<int>(kLimit), file(), false, kLimit).error(), Errno::kEBADF);
    EXPECT_EQ(table->install_at(-1, file(), false, kLimit).error(), Errno::kEBADF);
}

TEST_F(FdTables, ReplaceAndCloseOnExec) {
    EXPECT_EQ(install(0, true), 0);
    EXPECT_EQ(install(), 1);
    Ref<File> other = file();
    EXPECT_TRUE(table->install_at(1, other, true, kLimit));
    EXPECT_EQ(closed, 1);
    EXPECT_EQ(table->get(1)->get(), other.get());
    EXPECT_TRUE(table->install_at(7, other, false, kLimit));
    EXPECT_TRUE(*table->close_on_exec(0));
    EXPECT_TRUE(table->set_close_on_exec_flag(0, false));
    EXPECT_FALSE(*table->close_on_exec(0));
    table->close_on_exec_all();
    EXPECT_TRUE(table->get(0) && !table->get(1) && table->get(7));
    EXPECT_EQ(other->ref_count(), 2u);
    table->set_close_on_exec(5, ~u32{0});
    table->close_on_exec_all();
    EXPECT_EQ(other->ref_count(), 1u);
}

TEST_F(FdTables, CopySharesDescriptions) {
    install();
    install(0, true);
    Ref<FdTable> copy = *table->clone();
    EXPECT_EQ(copy->get(0)->get(), table->get(0)->get());
    EXPECT_TRUE(*copy->close_on_exec(1));
    EXPECT_TRUE(copy->close(0));
    EXPECT_TRUE(table->get(0));
    copy = {};
    EXPECT_EQ(closed, 2);
    table->close_range(0, ~u32{0});
    EXPECT_EQ(closed, 4);
    EXPECT_EQ(table->next(0), -1);
}

TEST_F(FdTables, PathDescriptorsAreNotFiles) {
    Ref<File> path = file();
    path->flags = fs::kOPath;
    int fd = *table->install(path, false, kLimit);
    EXPECT_EQ(table->get(fd).error(), Errno::kEBADF);
    EXPECT_TRUE(table->get(fd, true));
}

TEST_F(FdTables, AgreeWithAModel) {
    constexpr u64 kPlenty = 1 << 20;
    std::mt19937 random(5);
    std::map<int, File*> model;
    for (int step = 0; step < 5000; step++) {
        int fd = static_cast<int>(random() % 200);
        Ref<File> fresh = file();
        switch (random() % 4) {
            case 0:
            case 1: {
                int expected = fd;
                while (model.count(expected)) expected++;
                ASSERT_EQ(*table->install(fresh, false, kPlenty, fd), expected);
                model[expected] = fresh.get();
                break;
            }
            case 2: ASSERT_EQ(table->close(fd).has_value(), model.erase(fd) == 1); break;
            case 3:
                ASSERT_TRUE(table->install_at(fd, fresh, false, kPlenty));
                model[fd] = fresh.get();
                break;
        }
        int at = static_cast<int>(random() % 200);
        auto next = model.lower_bound(at);
        ASSERT_EQ(table->next(at), next == model.end() ? -1 : next->first);
        Result<Ref<File>> found = table->get(at);
        ASSERT_EQ(found ? found->get() : nullptr, model.count(at) ? model[at] : nullptr);
    }
}

}  // namespace

}  // namespace astra::test
