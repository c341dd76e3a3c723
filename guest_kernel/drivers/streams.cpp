// The host's streams.
#include "guest_kernel/drivers/streams.hpp"

#include "guest_kernel/base/format.hpp"
#include "guest_kernel/drivers/virtio_console.hpp"
#include "guest_kernel/fs/poll.hpp"
#include "guest_kernel/sched/thread.hpp"

namespace astra {

using namespace abi::control;
using virtio::ConsolePort;

void send_frame(Type type, u64 tag, std::span<const u8> message, std::span<const u8> extra) {
    ConsolePort* port = virtio::control_port();
    if (!port) return;
    auto buffer = port->acquire(sched::Sleep::Uninterruptible);
    if (!buffer) return;
    usize room = buffer->bytes.size() - sizeof(Header) - message.size();
    if (extra.size() > room) extra = extra.first(room);
    Header header{static_cast<u32>(message.size() + extra.size()), type, tag};
    u8* at = buffer->bytes.data();
    __builtin_memcpy(at, &header, sizeof header);
    __builtin_memcpy(at + sizeof header, message.data(), message.size());
    __builtin_memcpy(at + sizeof header + message.size(), extra.data(), extra.size());
    port->send(*buffer, sizeof header + header.length);
}

Result<usize> send_output(u64 tag, u32 stream, fs::Buffer& from) {
    ConsolePort* port = virtio::control_port();
    if (!port) return fail(Errno::kEIO);
    constexpr usize kHead = sizeof(Header) + sizeof(StreamMessage);
    usize done = 0;
    while (from.remaining()) {
        auto buffer = port->acquire(sched::Sleep::Interruptible);
        if (!buffer) {
            if (done) break;
            return fail(buffer.error());
        }
        auto taken = from.take(buffer->bytes.subspan(kHead));
        if (!taken || *taken == 0) {
            port->release(*buffer);
            if (!taken && done == 0) return fail(taken.error());
            break;
        }
        Header header{static_cast<u32>(sizeof(StreamMessage) + *taken), Type::Output, tag};
        StreamMessage message{stream, 0};
        __builtin_memcpy(buffer->bytes.data(), &header, sizeof header);
        __builtin_memcpy(buffer->bytes.data() + sizeof header, &message, sizeof message);
        port->send(*buffer, kHead + *taken);
        done += *taken;
    }
    return done;
}

bool HostInput::deliver(std::span<const u8> bytes) {
    {
        auto state = state_.lock();
        if (state->ring.empty() && !state->ring.resize(kStreamWindow)) return false;
        if (bytes.size() > state->ring.size() - state->count) return false;
        for (u8 byte : bytes) state->ring[(state->start + state->count++) % state->ring.size()] = byte;
    }
    ready.wake(fs::kPollReadable);
    return true;
}

void HostInput::deliver_end() {
    state_.lock()->end = true;
    ready.wake_all(fs::kPollReadable | fs::kPollHup);
}

bool HostInput::readable() {
    auto state = state_.lock();
    return state->count != 0 || state->end;
}

Result<usize> HostInput::read(fs::Buffer& to, bool nonblocking) {
    if (to.remaining() == 0) return 0;
    if (nonblocking && !readable()) return fail(Errno::kEAGAIN);
    TRY(ready.wait([this] { return readable(); }));
    auto turn = reader_.lock();
    usize done = 0;
    while (to.remaining()) {
        u8 chunk[1024];
        usize count = 0;
        {
            auto state = state_.lock();
            while (count < state->count && count < sizeof chunk && count < to.remaining())
                chunk[count] = state->ring[(state->start + count) % state->ring.size()], count++;
        }
        if (count == 0) break;
        auto put = to.put({chunk, count});
        if (!put) {
            if (done) break;
            return fail(put.error());
        }
        {
            auto state = state_.lock();
            state->start = (state->start + *put) % state->ring.size();
            state->count -= *put;
        }
        done += *put;
    }
    turn.unlock();
    if (done) send_frame(Type::Credit, tag_, CreditMessage{0, static_cast<u32>(done)});
    return done;
}

namespace {

class StreamFile final : public fs::File {
  public:
    StreamFile(u64 tag, u32 stream, Ref<HostInput> input)
        : tag_(tag), stream_(stream), input_(std::move(input)) {
        flags = stream == 0 ? 0 : 1;
    }
    Result<usize> read(fs::Buffer& to, i64*) override {
        if (!input_) return fail(Errno::kEBADF);
        return input_->read(to, nonblocking());
    }
    Result<usize> write(fs::Buffer& from, i64*) override {
        if (stream_ == 0) return fail(Errno::kEBADF);
        return send_output(tag_, stream_, from);
    }
    u32 poll(sched::WaitQueue** queue) override {
        if (!input_) return fs::kPollWritable;
        if (queue) *queue = &input_->ready;
        return input_->readable() ? fs::kPollReadable : 0;
    }
    Result<void> stat(abi::Stat& out) override {
        out = {};
        out.mode = 0010600;  // a FIFO, as a program finds its redirected stdio
        out.ino = stream_ + 1;
        out.nlink = 1;
        out.blksize = kPageSize;
        return {};
    }
    Result<String> describe() override {
        char text[32];
        format_to(text, sizeof text, "pipe:[%u]", stream_ + 1);
        return String::from(text);
    }

  private:
    u64 tag_;
    u32 stream_;
    Ref<HostInput> input_;
};

}  // namespace

Result<Ref<fs::File>> make_stream_file(u64 tag, u32 stream, Ref<HostInput> input) {
    Ref<fs::File> file = TRY(make_ref<StreamFile>(tag, stream, std::move(input)));
    return file;
}

}  // namespace astra
