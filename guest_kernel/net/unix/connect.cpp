// Unix sockets: making, naming, connecting and ending them.
#include <algorithm>

#include "guest_kernel/net/unix/socket.hpp"
#include "guest_kernel/sched/process.hpp"

namespace astra::net {

namespace {

using State = Endpoint::State;

/// Datagrams go to sockets that are connected to nobody else.
Result<void> check_reception(Endpoint& from, Endpoint& to) {
    if (to.type != from.type) return fail(Errno::kEPROTOTYPE);
    bool open = to.links.with([&from](Endpoint::Links& l) { return !l.link || &l.link->peer() == &from; });
    return open ? Result<void>{} : fail(Errno::kEPERM);
}

}  // namespace

abi::UCred current_identity() {
    sched::Process& process = sched::current_process();
    sched::Credentials ids = process.credentials();
    return {process.pid(), ids.euid, ids.egid};
}

Result<Ref<UnixSocket>> UnixSocket::create(SocketType type) {
    return make_ref<UnixSocket>(TRY(make_ref<Endpoint>(type)));
}

Result<UnixSocket::Pair> UnixSocket::create_pair(SocketType type) {
    Pair pair{TRY(create(type)), TRY(create(type))};
    Endpoint &first = *pair.first->endpoint_, &second = *pair.second->endpoint_;
    Ref<Link> forth = TRY(make_ref<Link>(first, second)), back = TRY(make_ref<Link>(second, first));
    const abi::UCred identity = current_identity();
    auto connect = [&identity](Endpoint& endpoint, Ref<Link> link) {
        auto links = endpoint.links.lock();
        links->link = std::move(link);
        links->peer_credentials = identity;
        endpoint.state = State::Connected;
    };
    connect(first, std::move(forth));
    connect(second, std::move(back));
    return pair;
}

Result<void> UnixSocket::bind(const Address& address) {
    if (endpoint_->name()) return fail(Errno::kEINVAL);
    Ref<UnixName> name = TRY(make_name(address, type()));
    auto claim = [&name](Endpoint::Links& l) {
        if (l.name) return false;
        l.name = name;
        return true;
    };
    TRY(publish(*name, *endpoint_));
    if (endpoint_->links.with(claim)) return {};
    forget(*name, *endpoint_);
    return fail(Errno::kEINVAL);
}

Result<void> UnixSocket::connect(const Address& address) {
    return type() == kDatagram ? connect_datagrams(address) : connect_stream(address);
}

Result<Ref<Endpoint>> UnixSocket::find_peer(const Address& address) {
    Ref<Endpoint> to = TRY(find_endpoint(address, type()));
    TRY(check_reception(*endpoint_, *to));
    return to;
}

/// Sets or, with the family AF_UNSPEC, ends the connection.
Result<void> UnixSocket::connect_datagrams(const Address& address) {
    Ref<Link> link;
    if (address.family() != kUnspecified) link = TRY(make_ref<Link>(*endpoint_, *TRY(find_peer(address))));
    endpoint_->state = link ? State::Connected : State::Idle;
    endpoint_->links.with([&link](Endpoint::Links& l) { std::swap(l.link, link); });
    endpoint_->announce_change();
    return {};
}

Result<void> UnixSocket::connect_stream(const Address& address) {
    Ref<Endpoint> listener = TRY(find_endpoint(address, type()));
    if (listener->type != type()) return fail(Errno::kEPROTOTYPE);
    if (listener->state != State::Listening) return fail(Errno::kECONNREFUSED);
    Ref<UnixSocket> accepted = TRY(create(type()));
    Endpoint &client = *endpoint_, &server = *accepted->endpoint_;
    Ref<Link> forth = TRY(make_ref<Link>(client, server)), back = TRY(make_ref<Link>(server, client));
    Own<Message> request = TRY(Message::make(0));
    Vector<Ref<fs::File>> files;
    TRY(files.push_back(accepted));
    TRY(request->attach(std::move(files)));
    const abi::UCred identity = current_identity();
    auto join = [&]() -> Result<void> {
        if (listener->state != State::Listening) return fail(Errno::kECONNREFUSED);
        Endpoint::Links listening = listener->links.with([](Endpoint::Links& l) { return l; });
        {
            auto links = client.links.lock();
            if (client.state != State::Idle)
                return fail(client.state == State::Connected ? Errno::kEISCONN : Errno::kEINVAL);
            links->link = std::move(forth);
            links->peer_credentials = listening.peer_credentials;
            client.state = State::Connected;
        }
        auto links = server.links.lock();
        links->link = std::move(back);
        links->name = std::move(listening.name);
        links->peer_credentials = identity;
        server.state = State::Connected;
        server.accepted = false;
        return {};
    };
    Result<void> sent = listener->enqueue(std::move(request), client, 0, send_patience(0), join);
    if (!sent && sent.error() == Errno::kEPIPE) return fail(Errno::kECONNREFUSED);
    if (sent) client.announce_change();
    return sent;
}

Result<void> UnixSocket::listen(u32 backlog) {
    if (!endpoint_->has_connections()) return fail(Errno::kENOTSUP);
    const abi::UCred identity = current_identity();
    TRY(endpoint_->links.with([&](Endpoint::Links& l) -> Result<void> {
        if (!l.name || endpoint_->state == State::Connected) return fail(Errno::kEINVAL);
        l.peer_credentials = identity;  // those who connect see who listens
        endpoint_->backlog = backlog;
        endpoint_->state = State::Listening;
        return {};
    }));
    endpoint_->announce_change();
    return {};
}

Result<Ref<Socket>> UnixSocket::accept() {
    Endpoint& e = *endpoint_;
    if (!e.has_connections()) return fail(Errno::kENOTSUP);
    if (e.state != State::Listening) return fail(Errno::kEINVAL);
    const Patience patience = receive_patience(0);
    for (;;) {
        Own<Message> request;
        {
            auto queue = e.incoming.lock();
            if (!queue->empty()) request = e.take_first(*queue);
        }
        if (request.get()) {
            e.announce_room();
            Vector<Ref<fs::File>> files = request->detach();
            auto accepted = Ref<UnixSocket>::adopt(static_cast<UnixSocket*>(files[0].leak()));
            accepted->endpoint_->accepted = true;
            return Ref<Socket>(std::move(accepted));
        }
        if (e.ended & kReceiveEnded) return fail(Errno::kEINVAL);
        TRY(patience.wait(e.readable, [&e] { return e.has_messages() || e.ended & kReceiveEnded; }));
    }
}

Result<void> UnixSocket::shutdown(u32 what) {
    endpoint_->end(what);
    return {};
}

Result<Address> UnixSocket::name() {
    Ref<UnixName> name = endpoint_->name();
    return name ? name->address : unnamed();
}

Result<Address> UnixSocket::peer_name() {
    Ref<Link> link = endpoint_->link();
    if (!link) return fail(Errno::kENOTCONN);
    Ref<UnixName> name = link->peer().name();
    return name ? name->address : unnamed();
}

abi::UCred UnixSocket::peer_credentials() {
    return endpoint_->links.with([](Endpoint::Links& l) { return l.peer_credentials; });
}

u32 UnixSocket::poll(sched::WaitQueue** queue) {
    if (queue) *queue = &endpoint_->pollers;
    return endpoint_->poll(send_buffer());
}

}  // namespace astra::net
