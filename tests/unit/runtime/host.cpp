// What the runtime's start-up code provides in a program of its own.
#include "guest_runtime/start/start.hpp"

namespace astra::start {

const Arguments& process_arguments() {
    static char* environment[] = {const_cast<char*>("HOME=/home/x"), const_cast<char*>("=odd=1"), nullptr};
    static const Arguments none{.count = 0, .values = nullptr, .environment = environment, .auxv = nullptr};
    return none;
}

}  // namespace astra::start
