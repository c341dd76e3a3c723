// astra-vmm's command line.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "vmm/machine/machine.hpp"

namespace astra::vmm {

struct Options {
    MachineConfig machine;
    std::string network = "none";
    std::vector<std::string> forwards;
    bool detach = false;
    bool probe = false;
    bool help = false;
};

/// Parses the arguments after the program's name, "--name value" or "--name=value". Takes over the
/// descriptors they name (close-on-exec from then on). InvalidArgument, naming the option, for anything that
/// is not as usage() says.
[[nodiscard]] Result<Options> parse_options(std::span<const char* const> arguments);

/// What --help prints.
[[nodiscard]] std::string usage();

}  // namespace astra::vmm
