// Metrics.Top, read ahead of the screen.
#include "cli/remote/top_feed.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <utility>

namespace astra::cli {

using control::Remote;

TopFeed::TopFeed(Remote& remote, std::chrono::milliseconds interval)
    : remote_(remote), interval_(interval), event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

TopFeed::~TopFeed() {
    stop();
    if (event_ >= 0) ::close(event_);
}

void TopFeed::stop() {
    if (context_) context_->TryCancel();
    if (thread_.joinable()) thread_.join();
    news_ = {};
}

void TopFeed::watch(const std::string& guest, bool processes) {
    stop();
    context_ = std::make_unique<grpc::ClientContext>();
    thread_ = std::thread([this, guest, processes] { run(*context_, guest, processes); });
}

TopFeed::News TopFeed::take() {
    uint64_t count;
    (void)!::read(event_, &count, sizeof count);
    std::lock_guard lock(mutex_);
    News news = news_;
    news_.sample.reset();
    return news;
}

void TopFeed::tell(const std::function<void(News&)>& change) {
    {
        std::lock_guard lock(mutex_);
        change(news_);
    }
    uint64_t one = 1;
    (void)!::write(event_, &one, sizeof one);
}

void TopFeed::run(grpc::ClientContext& context, const std::string& guest, bool processes) {
    v1::TopRequest request;
    request.set_interval_ms(static_cast<uint64_t>(interval_.count()));
    request.set_guest(guest);
    auto stream = remote_.metrics->Top(&context, request);
    v1::ListProcessesRequest whose;
    whose.set_guest(guest);
    for (v1::TopSample sample; stream->Read(&sample);) {
        v1::ListProcessesResponse list;
        if (processes) {
            // A guest that is busy or has ended shows none.
            auto found = Remote::call(*remote_.guests, &v1::Guests::Stub::Processes, whose, interval_);
            if (found) list = std::move(*found);
        }
        tell([&](News& news) {
            news.sample = std::move(sample);
            news.processes = std::move(list);
        });
    }
    grpc::Status end = stream->Finish();
    if (end.error_code() == grpc::StatusCode::CANCELLED) return;
    tell([&](News& news) {
        news.over = true;
        if (!end.ok()) news.error = control::to_error(end);
    });
}

}  // namespace astra::cli
