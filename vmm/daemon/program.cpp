// Queues between a client and a program.
#include "vmm/daemon/program.hpp"

#include <algorithm>

#include "vmm/control/frame.hpp"
#include "vmm/supervisor/protocol.hpp"

namespace astra::vmm::daemon {

using namespace abi::control;

namespace {

constexpr usize kInputPerFrame = kMaxPayload - sizeof(StreamMessage);

}  // namespace

Program::~Program() {
    if (tag_ == supervisor::kMainTag) return;
    host_->forget(tag_, !ended_);
}

std::optional<Program::Event> Program::next(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, patience, [&] { return !events_.empty(); })) return std::nullopt;
    Event event = std::move(events_.front());
    events_.pop_front();
    bool was_full = backlog_ > kBacklog;
    backlog_ -= event.bytes.size();
    bool room = was_full && backlog_ <= kBacklog;
    lock.unlock();
    if (room) host_->resume_reading();
    return event;
}

bool Program::await_start(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [&] { return started_ || ended_; });
}

usize Program::input(std::span<const u8> bytes, std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, patience, [&] { return window_ > 0 || ended_; });
    if (ended_) return bytes.size();
    usize take = std::min({bytes.size(), usize{window_}, kInputPerFrame});
    window_ -= static_cast<u32>(take);
    lock.unlock();
    if (take == 0 || host_->send(Type::Input, tag_, bytes_of(StreamMessage{.stream = 0, .reserved = 0}),
                                 bytes.first(take), patience))
        return take;
    credit(static_cast<u32>(take));
    return 0;
}

bool Program::end_input(std::chrono::milliseconds patience) {
    return host_->send(Type::Input, tag_, bytes_of(StreamMessage{.stream = 0, .reserved = 0}), {}, patience);
}

bool Program::signal(u32 number, std::chrono::milliseconds patience) {
    SignalMessage message{.signal = number, .reserved = 0};
    return host_->send(Type::Signal, tag_, bytes_of(message), {}, patience);
}

bool Program::resize(u16 rows, u16 columns, std::chrono::milliseconds patience) {
    ResizeMessage message{.rows = rows, .columns = columns, .reserved = 0};
    return host_->send(Type::Resize, tag_, bytes_of(message), {}, patience);
}

bool Program::deliver(Event event) {
    std::lock_guard lock(mutex_);
    if (ended_) return true;
    started_ = true;
    ended_ = event.kind != Event::Kind::Started && event.kind != Event::Kind::Output;
    backlog_ += event.bytes.size();
    events_.push_back(std::move(event));
    changed_.notify_all();
    return backlog_ <= kBacklog;
}

void Program::credit(u32 bytes) {
    std::lock_guard lock(mutex_);
    window_ += bytes;
    changed_.notify_all();
}

}  // namespace astra::vmm::daemon
