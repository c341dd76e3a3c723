// The specification's example 1: reading a file of the TAR. read_file [PATH]
#include "guest_runtime/env/args.hpp"
#include "guest_runtime/fs/fs.hpp"
#include "guest_runtime/process/exit.hpp"
#include "guest_runtime/stdio/print.hpp"

using namespace astra;

static io::Result<void> run() {
    auto file = TRY(fs::File::open(args::count() > 1 ? args::at(1) : "/index.html"));
    String contents;
    TRY(file.read_to_string(contents));
    println("Read {} bytes", contents.size());
    println("Content: {}", contents);
    return {};
}

int main() { return process::report(run()); }
