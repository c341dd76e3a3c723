// What tests of `astra run` with real guests share. ASTRA_TEST_ENGINE names the engine (default qemu-tcg),
// ASTRA_TEST_ROOTFS the archive with busybox in it.
#pragma once
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/integration/launcher/astra_process.hpp"

namespace astra::tests {

inline std::string setting(const char* name, const char* otherwise) {
    const char* value = std::getenv(name);
    return value ? value : otherwise;
}

/// The words of `astra run` with engine, archive and a minute's patience, then `more`.
inline std::vector<std::string> words(std::vector<std::string> more) {
    std::vector<std::string> all{"run",
                                 "--engine",
                                 setting("ASTRA_TEST_ENGINE", "qemu-tcg"),
                                 "--rootfs",
                                 setting("ASTRA_TEST_ROOTFS", ASTRA_ROOTFS),
                                 "--timeout",
                                 "60s"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
}

/// Runs `astra run` to its end, with `input` on its stdin.
inline Finished run(std::vector<std::string> more, std::string_view input = {}) {
    AstraProcess process(words(std::move(more)));
    process.write(input);
    process.close_input();
    return process.finish(std::chrono::seconds(90));
}

/// Skips where the engine cannot be had.
class GuestTest : public testing::Test {
  protected:
    void SetUp() override {
        if (setting("ASTRA_TEST_ENGINE", "") == "kvm" && ::access("/dev/kvm", W_OK) != 0)
            GTEST_SKIP() << "no /dev/kvm here";
    }
};

}  // namespace astra::tests
