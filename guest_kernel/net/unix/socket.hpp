// Unix sockets (unix(7)).
#pragma once
#include "guest_kernel/net/unix/endpoint.hpp"

namespace astra::net {

class UnixSocket final : public Socket {
  public:
    explicit UnixSocket(Ref<Endpoint> endpoint) : endpoint_(std::move(endpoint)) {}
    ~UnixSocket() override { endpoint_->close(); }
    static Result<Ref<UnixSocket>> create(SocketType type);
    /// Two sockets connected to each other; socketpair(2).
    struct Pair {
        Ref<UnixSocket> first, second;
    };
    static Result<Pair> create_pair(SocketType type);

    [[nodiscard]] Family family() const override { return kUnixFamily; }
    [[nodiscard]] SocketType type() const override { return endpoint_->type; }
    Result<usize> send(Outgoing& message) override;
    Result<usize> receive(Incoming& message) override;
    Result<void> bind(const Address& address) override;
    Result<void> connect(const Address& address) override;
    Result<void> listen(u32 backlog) override;
    Result<Ref<Socket>> accept() override;
    Result<void> shutdown(u32 what) override;
    Result<Address> name() override;
    Result<Address> peer_name() override;
    u32 poll(sched::WaitQueue** queue) override;
    Result<i64> ioctl(u32 request, u64 argument) override;

  protected:
    [[nodiscard]] bool listening() const override { return endpoint_->state == Endpoint::State::Listening; }
    int take_error() override { return endpoint_->error.exchange(0); }
    [[nodiscard]] abi::UCred peer_credentials() override;

  private:
    Result<void> connect_stream(const Address& address);
    Result<void> connect_datagrams(const Address& address);
    Result<Ref<Endpoint>> find_peer(const Address& address);
    Result<Ref<Endpoint>> destination(const Outgoing& message);
    Result<usize> send_stream(Outgoing& message);
    Result<usize> send_record(Outgoing& message);
    Result<usize> receive_stream(Incoming& message);
    Result<usize> receive_record(Incoming& message);
    Result<bool> take_bytes(Incoming& message, usize& done);
    Result<Own<Message>> compose(Outgoing& message, usize size);
    const Ref<Endpoint> endpoint_;
};

/// Identity of the calling process as a peer sees it: effective ids.
abi::UCred current_identity();

}  // namespace astra::net
