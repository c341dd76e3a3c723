// The daemon's core: guests, images, events. Knows no gRPC.
#pragma once
#include "vmm/daemon/guest.hpp"
#include "vmm/daemon/images.hpp"

namespace astra::vmm::daemon {

struct CreateRequest {
    std::string name;  // empty: one is made up
    std::map<std::string, std::string> labels;
    control::LaunchSpec spec;  // its image by id, prefix or name
    std::string request_id;    // the same again means the same guest; empty: none
};

/// Thread-safe. Guests are named by id or name. Guests go on when the manager is destroyed; the next one on
/// the same folder finds them again.
class Manager {
  public:
    /// Opens the state folder, alone: another manager on it makes this Unavailable. Takes up all guests in
    /// it. A guest whose record is damaged becomes Broken. Errors: those of the file system; Corrupt images
    /// or events.
    [[nodiscard]] static Result<std::unique_ptr<Manager>> open(std::string folder, std::string supervisor);
    ~Manager();

    /// Notes a guest down. Errors: InvalidArgument, NotFound (the image), AlreadyExists (the name).
    [[nodiscard]] Result<std::shared_ptr<Guest>> create(CreateRequest request);
    /// Errors: NotFound.
    [[nodiscard]] Result<std::shared_ptr<Guest>> find(const std::string& reference) const;
    /// In the order they were created.
    [[nodiscard]] std::vector<std::shared_ptr<Guest>> list() const;
    /// Forgets a guest and what is kept of it. Errors: FailedPrecondition while it may run, unless `force`.
    [[nodiscard]] Result<void> remove(const std::string& reference, bool force);
    /// Removes an image. Errors: ImageCatalog's; FailedPrecondition while a guest that has not ended needs
    /// it.
    [[nodiscard]] Result<void> remove_image(const std::string& reference);
    /// False until every guest that was taken up has told its state.
    [[nodiscard]] bool settled() const;

    [[nodiscard]] ImageCatalog& images() { return *images_; }
    [[nodiscard]] EventLog& events() { return *events_; }
    [[nodiscard]] const std::string& folder() const { return folder_; }

  private:
    Manager(std::string folder, Fd lock) : folder_(std::move(folder)), lock_(std::move(lock)) {}
    [[nodiscard]] std::string guests_folder() const { return folder_ + "/guests"; }
    void load();
    [[nodiscard]] std::shared_ptr<Guest> find_locked(const std::string& reference) const;
    /// The guest that an earlier request made, if it is the same one.
    [[nodiscard]] Result<std::shared_ptr<Guest>> find_request(const CreateRequest& request) const;

    const std::string folder_;
    const Fd lock_;
    std::unique_ptr<EventLog> events_;
    std::unique_ptr<ImageCatalog> images_;
    std::unique_ptr<Reactor> reactor_;
    std::optional<GuestContext> context_;
    mutable std::mutex mutex_;
    std::map<std::string, std::shared_ptr<Guest>> guests_;  // by id
};

}  // namespace astra::vmm::daemon
