// Samples for `astra top`, taken from the daemon by a thread of their own.
#pragma once
#include <grpcpp/grpcpp.h>

#include <mutex>
#include <optional>
#include <thread>

#include "control_proto/remote.hpp"

namespace astra::cli {

class TopFeed {
  public:
    struct News {
        std::optional<v1::TopSample> sample;  // the newest, if there is one since the last look
        v1::ListProcessesResponse processes;  // with it, of the guest that is watched
        bool over = false;  // there will be no more; `error` is why, unless the guest has ended
        std::optional<control::Error> error;
    };

    TopFeed(control::Remote& remote, std::chrono::milliseconds interval);
    ~TopFeed();
    TopFeed(const TopFeed&) = delete;
    TopFeed& operator=(const TopFeed&) = delete;

    /// Watches that guest (empty: all) from now on, with its processes if they are wanted.
    void watch(const std::string& guest, bool processes);
    /// Readable when take() has something new; -1: it could not be made.
    [[nodiscard]] int fd() const { return event_; }
    [[nodiscard]] News take();

  private:
    void stop();
    void run(grpc::ClientContext& context, const std::string& guest, bool processes);
    void tell(const std::function<void(News&)>& change);

    control::Remote& remote_;
    const std::chrono::milliseconds interval_;
    int event_;
    std::mutex mutex_;
    News news_;
    std::unique_ptr<grpc::ClientContext> context_;
    std::thread thread_;
};

}  // namespace astra::cli
