// The calling thread's name, for messages.
#include "guest_runtime/thread/name.hpp"

namespace astra::thread {

namespace {
thread_local std::string_view current = "main";
}

std::string_view current_name() { return current; }
void set_current_name(std::string_view name) { current = name; }

}  // namespace astra::thread
