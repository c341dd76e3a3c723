// A program to start from: prints a file of its image, and its arguments.
#include "guest_runtime/astra.hpp"

using namespace astra;

static io::Result<void> run() {
    String greeting = TRY(fs::read_to_string("/etc/greeting"));
    print("{}", greeting);
    for (std::string_view argument : args::all()) println("{:?}", argument);
    return {};
}

int main() { return process::report(run()); }
