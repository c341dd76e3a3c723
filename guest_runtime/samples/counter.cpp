// The specification's example 3: four threads count to 400.
#include "guest_runtime/process/exit.hpp"
#include "guest_runtime/stdio/print.hpp"
#include "guest_runtime/sync/mutex.hpp"
#include "guest_runtime/thread/thread.hpp"

using namespace astra;

static io::Result<void> run() {
    auto counter = TRY(Arc<sync::Mutex<int>>::make(0));
    Vector<thread::JoinHandle<void>> handles;
    for (int i = 0; i < 4; i++) {
        auto handle = TRY(thread::spawn([counter] {
            for (int k = 0; k < 100; k++) {
                auto number = counter->lock();
                *number += 1;
            }
        }));
        TRY(handles.push_back(std::move(handle)));
    }
    for (auto& handle : handles) TRY(handle.join());
    println("Result: {}", *counter->lock());
    return {};
}

int main() { return process::report(run()); }
