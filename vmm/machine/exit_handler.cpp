// handle_exit: one visitor, no guest needed to test it.
#include "vmm/machine/exit_handler.hpp"

namespace astra::vmm {

namespace {

struct Handle {
    Buses& buses;

    Verdict operator()(const PortExit& exit) const {
        for (usize at = 0; at < exit.data.size(); at += exit.size) {
            auto item = exit.data.subspan(at, exit.size);
            exit.write ? buses.ports.write(exit.port, item) : buses.ports.read(exit.port, item);
        }
        return Verdict::Resume;
    }
    Verdict operator()(const MmioExit& exit) const {
        exit.write ? buses.memory.write(exit.address.raw(), exit.data)
                   : buses.memory.read(exit.address.raw(), exit.data);
        return Verdict::Resume;
    }
    Verdict operator()(const InterruptedExit&) const { return Verdict::Resume; }
    Verdict operator()(const ShutdownExit&) const { return Verdict::Fault; }
    Verdict operator()(const InternalErrorExit&) const { return Verdict::Fault; }
    Verdict operator()(const FailEntryExit&) const { return Verdict::Fault; }
    Verdict operator()(const UnexpectedExit&) const { return Verdict::Fault; }
};

}  // namespace

Verdict handle_exit(Buses& buses, ExitCounts& counts, const Exit& exit) {
    counts[exit.index()].fetch_add(1, std::memory_order_relaxed);
    return std::visit(Handle{buses}, exit);
}

}  // namespace astra::vmm
