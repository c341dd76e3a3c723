// The program's arguments.
#include "guest_runtime/env/args.hpp"

#include "guest_runtime/os/panic.hpp"
#include "guest_runtime/start/start.hpp"

namespace astra::args {

usize count() { return static_cast<usize>(start::process_arguments().count); }

std::string_view at(usize i) {
    assert_that(i < count(), "there is no such argument");
    return start::process_arguments().values[i];
}

}  // namespace astra::args
