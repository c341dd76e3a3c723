// A folder that lives as long as a test.
#pragma once
#include <cstdlib>
#include <filesystem>
#include <string>

namespace astra::tests {

class Folder {
  public:
    Folder() {
        char name[] = "/tmp/astra-unit-XXXXXX";
        path_ = ::mkdtemp(name);
    }
    ~Folder() {
        std::error_code error;
        std::filesystem::remove_all(path_, error);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

  private:
    std::string path_;
};

}  // namespace astra::tests
