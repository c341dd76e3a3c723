// The specification's example 4: measuring time.
#include "guest_runtime/stdio/print.hpp"
#include "guest_runtime/thread/thread.hpp"
#include "guest_runtime/time/time.hpp"

using namespace astra;

int main() {
    auto start = time::Instant::now();
    for (volatile int i = 0; i < 1000;) i = i + 1;
    println("Took {}", start.elapsed());
    start = time::Instant::now();
    thread::sleep(time::Duration::from_millis(100));
    println("Slept {:.0}", start.elapsed());
    return 0;
}
