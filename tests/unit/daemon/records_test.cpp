// Records of guests and events: there and back, and damaged ones.
#include "vmm/supervisor/records.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/unit/daemon/folder.hpp"
#include "vmm/base/durable_file.hpp"
#include "vmm/daemon/event_log.hpp"

namespace astra::vmm {
namespace {

using namespace std::chrono_literals;
using control::Outcome;
using daemon::EventLog;

GuestRecord sample() {
    GuestRecord record{.id = "1234", .name = "web", .request_id = "r", .labels = {{"a", "b"}}, .spec = {}};
    record.spec.image = std::string(64, 'a');
    record.spec.arguments = {"/bin/sh", "-c", "echo \xff\n"};
    record.spec.environment = {"A=1"};
    record.spec.engine = control::EngineChoice::Qemu;
    record.spec.libvirt_uri = "qemu:///session";
    record.spec.machine = control::MachineType::Q35;
    record.spec.kernel = {control::KernelChoice::Kind::File, "/k.elf"};
    record.spec.cpus = 3;
    record.spec.memory_mib = 77;
    record.spec.terminal = {.rows = 10, .columns = 20};
    record.created_unix_ns = 5;
    return record;
}

TEST(Records, AGuestSurvivesItsRecord) {
    auto back = parse_guest_record(to_json(sample()));
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(back->id, "1234");
    EXPECT_EQ(back->labels.at("a"), "b");
    EXPECT_EQ(back->spec.engine, control::EngineChoice::Qemu);
    EXPECT_EQ(back->spec.libvirt_uri, "qemu:///session");
    EXPECT_EQ(back->spec.machine, control::MachineType::Q35);
    EXPECT_EQ(back->spec.kernel.path, "/k.elf");
    EXPECT_EQ(back->spec.cpus, 3u);
    EXPECT_EQ(back->spec.memory_mib, 77u);
    ASSERT_TRUE(back->spec.terminal);
    EXPECT_EQ(back->spec.terminal->columns, 20);
    EXPECT_EQ(back->started_unix_ns, 0u);
}

TEST(Records, AnEndSurvivesItsRecord) {
    ExitRecord record{.outcome = {.kind = Outcome::Kind::Signalled, .value = 9, .message = "m", .hint = "h"},
                      .ended_unix_ns = 3};
    auto back = parse_exit_record(to_json(record));
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(back->outcome.kind, Outcome::Kind::Signalled);
    EXPECT_EQ(back->outcome.value, 9);
    EXPECT_EQ(back->ended_unix_ns, 3u);
}

TEST(Records, DamageIsNoticedWhereverItIs) {
    std::string whole = to_json(sample());
    for (usize length = 0; length + 2 < whole.size(); length += 7)
        EXPECT_FALSE(parse_guest_record(whole.substr(0, length))) << length;
    for (std::string_view damage : {"[]", "{}", "{\"version\":2}", "null", "{\"version\":1,\"id\":7}"}) {
        auto parsed = parse_guest_record(std::string(damage));
        ASSERT_FALSE(parsed) << damage;
        EXPECT_EQ(parsed.error().code, Code::Corrupt);
    }
    std::string engine = whole;
    engine.replace(engine.find("\"engine\": 2"), 11, "\"engine\": 9");
    EXPECT_FALSE(parse_guest_record(engine));
}

TEST(Records, FilesAreReplacedWhole) {
    tests::Folder folder;
    ASSERT_TRUE(write_durably(folder / "f", "one"));
    ASSERT_TRUE(write_durably(folder / "f", "two"));
    EXPECT_EQ(read_file(folder / "f").value_or(""), "two");
    EXPECT_FALSE(std::filesystem::exists(folder / "f.new"));
    EXPECT_FALSE(write_durably(folder / "missing/f", "x"));
    EXPECT_EQ(read_file(folder / "f", 2).error().code, Code::Corrupt);
}

TEST(Events, AreNumberedOverRestarts) {
    tests::Folder folder;
    for (u64 round = 0; round < 3; round++) {
        auto log = EventLog::open(folder / "events");
        ASSERT_TRUE(log) << log.error().message;
        EXPECT_EQ((*log)->last(), 2 * round);
        (*log)->append({.kind = "a", .guest_id = "g", .guest_name = {}, .detail = "\xff"});
        (*log)->append({.kind = "b", .guest_id = {}, .guest_name = {}, .detail = {}});
        // The writer dies in the middle of a line.
        std::ofstream(folder / "events", std::ios::app) << "{\"sequence\": 99";
    }
    auto log = EventLog::open(folder / "events");
    ASSERT_TRUE(log);
    auto all = (*log)->read(1, 100, 0ms);
    ASSERT_TRUE(all);
    ASSERT_EQ(all->size(), 6u);
    for (u64 i = 0; i < 6; i++) EXPECT_EQ((*all)[i].sequence, i + 1);
    EXPECT_TRUE((*log)->contains("a", "g"));
    EXPECT_FALSE((*log)->contains("b", "g"));
    EXPECT_TRUE((*log)->read(7, 100, 1ms)->empty());
}

TEST(Events, ThatAreNotKeptAnyMoreAreMissed) {
    tests::Folder folder;
    auto log = EventLog::open(folder / "events");
    ASSERT_TRUE(log);
    for (usize i = 0; i < EventLog::kKept + 10; i++)
        (*log)->append({.kind = "k", .guest_id = {}, .guest_name = {}, .detail = {}});
    auto gone = (*log)->read(1, 10, 0ms);
    ASSERT_FALSE(gone);
    EXPECT_EQ(gone.error().code, Code::OutOfRange);
    auto kept = (*log)->read(11, 10, 0ms);
    ASSERT_TRUE(kept);
    EXPECT_EQ(kept->size(), 10u);
    EXPECT_EQ(kept->front().sequence, 11u);
}

}  // namespace
}  // namespace astra::vmm
