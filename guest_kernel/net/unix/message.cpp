// Messages between Unix sockets.
#include "guest_kernel/net/unix/message.hpp"

#include "guest_kernel/net/unix/endpoint.hpp"

namespace astra::net {

namespace {

/// Sockets can be sent to each other so that nobody can ever receive them. This bounds what is lost then.
constexpr usize kMaxInFlight = 16384;
std::atomic<usize> in_flight{0};

struct Doomed {
    MessageList messages;
    bool being_dropped = false;  // by somebody further up this stack, or on another CPU
};
sched::SpinLocked<Doomed, sched::Rank::FileRegistry> doomed;

}  // namespace

Result<Own<Message>> Message::make(usize capacity) {
    void* memory = ::operator new(sizeof(Message) + capacity, std::nothrow);
    if (!memory) return fail(Errno::kENOMEM);
    return Own<Message>(::new (memory) Message(capacity));
}

Message::Message(usize capacity) : capacity_(capacity) {}

Message::~Message() { in_flight -= files_.size(); }

Result<void> Message::attach(Vector<Ref<fs::File>> files) {
    if (in_flight.fetch_add(files.size()) + files.size() > kMaxInFlight) {
        in_flight -= files.size();
        return fail(Errno::kETOOMANYREFS);
    }
    files_ = std::move(files);
    return {};
}

Vector<Ref<fs::File>> Message::detach() {
    in_flight -= files_.size();
    return std::move(files_);
}

void drop_messages(MessageList& messages) {
    MessageList with_files;
    while (Message* message = messages.pop_front()) {
        if (message->files().empty())
            delete message;
        else
            with_files.push_back(*message);
    }
    if (with_files.empty()) return;
    {
        auto shared = doomed.lock();
        while (Message* message = with_files.pop_front()) shared->messages.push_back(*message);
        if (shared->being_dropped) return;
        shared->being_dropped = true;
    }
    for (;;) {
        Message* message;
        {
            auto shared = doomed.lock();
            message = shared->messages.pop_front();
            if (!message) shared->being_dropped = false;
        }
        if (!message) return;
        delete message;
    }
}

}  // namespace astra::net
