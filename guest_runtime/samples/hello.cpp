// The smallest program.
#include "guest_runtime/stdio/print.hpp"

int main() {
    astra::println("hello, world");
    return 0;  // freestanding C++ does not add it
}
