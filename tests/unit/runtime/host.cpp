// What the runtime's start-up code provides in a program of its own.
#include <sys/auxv.h>

#include "guest_runtime/start/start.hpp"

namespace astra::start {

const Arguments& process_arguments() {
    static char* environment[] = {const_cast<char*>("HOME=/home/x"), const_cast<char*>("=odd=1"), nullptr};
    static const Arguments none{.count = 0, .values = nullptr, .environment = environment, .auxv = nullptr};
    return none;
}

u64 auxiliary(u64 type) { return getauxval(type); }

}  // namespace astra::start
