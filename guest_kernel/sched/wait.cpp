// Waiting for children.
#include "guest_kernel/sched/wait.hpp"

#include "guest_kernel/sched/internal.hpp"

namespace astra::sched {

namespace {

constexpr int kContinuedStatus = 0xffff;

bool is_meant(const Process& child, const WaitRequest& request) {
    if (request.which == WaitRequest::Which::Pid && child.pid() != request.id) return false;
    if (request.which == WaitRequest::Which::Group && child.pgid != request.id) return false;
    bool clone_child = child.exit_signal != kSigChld;
    return request.options & kWaitAll || clone_child == ((request.options & kWaitClone) != 0);
}

void add_time(abi::TimeVal& total, const abi::TimeVal& more) {
    total.sec += more.sec;
    total.usec += more.usec;
    if (total.usec < 1'000'000) return;
    total.usec -= 1'000'000;
    total.sec++;
}

void add_usage(abi::RUsage& total, const abi::RUsage& more) {
    add_time(total.utime, more.utime);
    add_time(total.stime, more.stime);
    if (more.maxrss > total.maxrss) total.maxrss = more.maxrss;
    total.minflt += more.minflt;
    total.majflt += more.majflt;
    total.nvcsw += more.nvcsw;
    total.nivcsw += more.nivcsw;
}

// A stop or continuation not yet reported; 0 when there is none.
int take_change(Process& child, u32 options) {
    bool consume = !(options & kWaitNoWait);
    auto signals = child.signals.lock();
    if (options & kWaitStopped && signals->stopped && !signals->stopping && !signals->stop_reported) {
        if (consume) signals->stop_reported = true;
        return signals->stop_signal << 8 | 0x7f;
    }
    if (options & kWaitContinued && signals->continued) {
        if (consume) signals->continued = false;
        return kContinuedStatus;
    }
    return 0;
}

// Fills `result` from the first child that has something to report. Tree locked. False: none; `any` says
// whether there is a child to wait for at all.
bool look(ProcessTree& tree, Process& parent, const WaitRequest& request, WaitResult& result, bool& any) {
    any = false;
    for (Process& child : parent.children) {
        if (!is_meant(child, request)) continue;
        any = true;
        int status = 0;
        bool ended = child.state == ProcessState::Zombie;
        if (!ended)
            status = take_change(child, request.options);
        else if (request.options & kWaitExited)
            status = child.signals.lock()->exit_status;
        if (!status && !(ended && request.options & kWaitExited)) continue;
        result = {child.pid(), child.credentials().uid, status, child.resource_usage()};
        if (ended) add_usage(result.usage, child.children_usage);
        if (ended && !(request.options & kWaitNoWait)) {
            add_usage(parent.children_usage, result.usage);
            tree.reap(child);
        }
        return true;
    }
    return false;
}

}  // namespace

Result<WaitResult> wait_for_child(const WaitRequest& request) {
    Process& parent = current_process();
    WaitResult result;
    bool any = false;
    auto ready = [&] {
        auto processes = tree().lock();
        return look(*processes, parent, request, result, any) || !any;
    };
    if (request.options & kWaitNoHang)
        ready();
    else
        TRY(parent.child_events.wait(ready));
    if (!any) return fail(Errno::kECHILD);
    return result;
}

}  // namespace astra::sched
