// "#!" lines.
#include "guest_kernel/sched/script.hpp"

#include <gtest/gtest.h>

namespace astra::sched {
namespace {

TEST(Script, Recognised) {
    EXPECT_TRUE(is_script("#!/bin/sh\n"));
    EXPECT_FALSE(is_script("#"));
    EXPECT_FALSE(
        is_script("\x7f"
                  "ELF"));
}

struct Case {
    std::string_view head;
    bool cut;
    std::string_view interpreter, argument;  // interpreter empty: ENOEXEC
};
const Case kCases[] = {
    {"#!/bin/sh\necho", false, "/bin/sh", ""},
    {"#! /bin/sh -e\n", false, "/bin/sh", "-e"},
    {"#!\t/usr/bin/env  python3 -u \t\nx", false, "/usr/bin/env", "python3 -u"},
    {"#!/bin/sh", false, "/bin/sh", ""},
    {"#!/bin/sh -x", false, "/bin/sh", "-x"},
    {"#!", false, "", ""},
    {"#!   \n/bin/sh", false, "", ""},
    {"#!/a/very/long/name", true, "", ""},  // may go on beyond what was read
    {"#!/bin/sh a long argume", true, "/bin/sh", "a long argume"},
    {"#!/bin/sh\n and more", true, "/bin/sh", ""},
};

TEST(Script, Lines) {
    for (const Case& c : kCases) {
        Result<ScriptLine> line = parse_script_line(c.head, c.cut);
        if (c.interpreter.empty()) {
            ASSERT_FALSE(line) << c.head;
            EXPECT_EQ(line.error(), Errno::kENOEXEC);
            continue;
        }
        ASSERT_TRUE(line) << c.head;
        EXPECT_EQ(line->interpreter, c.interpreter);
        EXPECT_EQ(line->argument, c.argument);
    }
}

TEST(Script, EndsAtANulByte) {
    std::string_view head("#!/bin/sh\0junk", 14);
    EXPECT_EQ(parse_script_line(head, true)->interpreter, "/bin/sh");
}

}  // namespace
}  // namespace astra::sched
