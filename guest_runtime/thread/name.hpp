// The calling thread's name, for messages.
#pragma once
#include <string_view>

namespace astra::thread {

/// "main" for the first thread, the Builder's name for another, "<unnamed>" for one without.
std::string_view current_name();
/// Sets it; `name` must outlive the thread.
void set_current_name(std::string_view name);

}  // namespace astra::thread
