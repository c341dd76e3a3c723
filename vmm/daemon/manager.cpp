// The table of guests.
#include "vmm/daemon/manager.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <filesystem>

#include "vmm/base/durable_file.hpp"
#include "vmm/base/state_dir.hpp"
#include "vmm/engines/prepare.hpp"

namespace astra::vmm::daemon {
namespace {

constexpr char kDefaultPath[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

Result<std::string> make_uuid() {
    std::string uuid = TRY(read_file("/proc/sys/kernel/random/uuid"));
    while (!uuid.empty() && uuid.back() == '\n') uuid.pop_back();
    return uuid;
}

void add_default(std::vector<std::string>& environment, const std::string& entry) {
    std::string name = entry.substr(0, entry.find('=') + 1);
    bool given =
        std::ranges::any_of(environment, [&](const std::string& other) { return other.starts_with(name); });
    if (!given) environment.push_back(entry);
}

bool may_run(const GuestInfo& info) {
    return info.state != GuestState::Ended && info.state != GuestState::Broken;
}

std::unexpected<Error> no_guest(const std::string& reference) {
    return fail(Code::NotFound, "there is no guest '" + reference + "'",
                "astra ps --all shows which there are", "GUEST_NOT_FOUND");
}

}  // namespace

Result<std::unique_ptr<Manager>> Manager::open(std::string folder, std::string supervisor) {
    TRY(make_directories(folder + "/guests"));
    Fd lock(::open((folder + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!lock.valid()) return fail_errno(folder + "/lock");
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) < 0)
        return fail(Code::Unavailable, "another daemon uses " + folder,
                    "stop it, or use another state folder");
    std::unique_ptr<Manager> manager(new Manager(std::move(folder), std::move(lock)));
    manager->events_ = TRY(EventLog::open(manager->folder_ + "/events"));
    manager->images_ = TRY(ImageCatalog::open(manager->folder_ + "/images"));
    manager->reactor_ = TRY(Reactor::start());
    manager->context_.emplace(GuestContext{*manager->reactor_, *manager->events_, std::move(supervisor),
                                           manager->images_->folder()});
    manager->events_->append({.kind = "daemon.started", .guest_id = {}, .guest_name = {}, .detail = {}});
    manager->load();
    return manager;
}

Manager::~Manager() {
    for (auto& [id, guest] : guests_) guest->let_go();
    guests_.clear();
    reactor_.reset();  // before what its callbacks use
}

void Manager::load() {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(guests_folder(), error)) {
        GuestFiles files{entry.path().string()};
        std::string id = entry.path().filename();
        auto text = read_file(files.record());
        if (!text && text.error().code == Code::NotFound) {
            // Its creation or deletion was cut short: it was never promised, or promised to be gone.
            std::filesystem::remove_all(entry.path(), error);
            continue;
        }
        auto record = text ? parse_guest_record(*text) : std::unexpected(text.error());
        if (record && record->id != id)
            record = fail(Code::Corrupt, "a damaged record: it names another guest, " + record->id);
        if (!record) {
            GuestRecord broken{.id = id, .name = id, .request_id = {}, .labels = {}, .spec = {}};
            auto guest = std::make_shared<Guest>(*context_, files, std::move(broken));
            guest->set_broken(record.error());
            guests_[id] = std::move(guest);
            continue;
        }
        auto guest = std::make_shared<Guest>(*context_, files, std::move(*record));
        guest->adopt();
        guests_[id] = std::move(guest);
    }
}

Result<std::shared_ptr<Guest>> Manager::create(CreateRequest request) {
    if (!request.name.empty()) TRY(check_name(request.name));
    request.spec.image = TRY(images_->find(request.spec.image)).image.sha256;
    add_default(request.spec.environment, kDefaultPath);
    add_default(request.spec.environment, "HOME=/root");
    TRY(check_spec(request.spec));
    std::string id = TRY(make_uuid());
    GuestRecord record{.id = id,
                       .name = request.name.empty() ? "guest-" + id.substr(0, 8) : request.name,
                       .request_id = request.request_id,
                       .labels = request.labels,
                       .spec = request.spec,
                       .created_unix_ns = unix_ns()};
    GuestFiles files{guests_folder() + "/" + id};
    std::shared_ptr<Guest> guest;
    {
        std::lock_guard lock(mutex_);
        if (auto known = TRY(find_request(request))) return known;
        if (find_locked(record.name))
            return fail(Code::AlreadyExists, "there is a guest called " + record.name + " already",
                        "choose another name, or remove that one: astra rm " + record.name, "GUEST_EXISTS");
        guest = std::make_shared<Guest>(*context_, files, record);
        guests_[id] = guest;
    }
    auto kept = make_directories(files.folder);
    if (kept) kept = write_durably(files.record(), to_json(record));
    if (!kept) {
        std::lock_guard lock(mutex_);
        guests_.erase(id);
        return std::unexpected(kept.error());
    }
    events_->append({.kind = "guest.created", .guest_id = id, .guest_name = record.name, .detail = {}});
    return guest;
}

Result<std::shared_ptr<Guest>> Manager::find_request(const CreateRequest& request) const {
    if (request.request_id.empty()) return nullptr;
    for (const auto& [id, guest] : guests_) {
        GuestRecord record = guest->info().record;
        if (record.request_id != request.request_id) continue;
        if (!request.name.empty() && record.name != request.name)
            return fail(Code::InvalidArgument, "request " + request.request_id + " made guest " + record.name,
                        "use a new request_id for another guest", "REQUEST_ID_REUSED");
        return guest;
    }
    return nullptr;
}

std::shared_ptr<Guest> Manager::find_locked(const std::string& reference) const {
    if (auto found = guests_.find(reference); found != guests_.end()) return found->second;
    for (const auto& [id, guest] : guests_)
        if (guest->name() == reference) return guest;
    return nullptr;
}

Result<std::shared_ptr<Guest>> Manager::find(const std::string& reference) const {
    std::lock_guard lock(mutex_);
    if (auto guest = find_locked(reference)) return guest;
    return no_guest(reference);
}

std::vector<std::shared_ptr<Guest>> Manager::list() const {
    std::vector<std::pair<u64, std::shared_ptr<Guest>>> ordered;
    {
        std::lock_guard lock(mutex_);
        for (const auto& [id, guest] : guests_) ordered.emplace_back(guest->created_unix_ns(), guest);
    }
    std::ranges::stable_sort(ordered, {}, [](const auto& entry) { return entry.first; });
    std::vector<std::shared_ptr<Guest>> guests;
    for (auto& [time, guest] : ordered) guests.push_back(std::move(guest));
    return guests;
}

Result<void> Manager::remove(const std::string& reference, bool force) {
    auto guest = TRY(find(reference));
    GuestInfo info = guest->info();
    bool runs = may_run(info) && info.state != GuestState::Created;
    if (runs && !force)
        return fail(Code::FailedPrecondition, "guest " + info.record.name + " is " + state_name(info.state),
                    "stop it first, or remove it with force", "GUEST_RUNNING");
    if (runs) {
        if (auto killed = guest->kill(); !killed && guest->info().state != GuestState::Ended) return killed;
        if (!guest->wait(std::chrono::seconds(10), [](const GuestInfo& now) { return !may_run(now); }))
            return fail(Code::Unavailable, "guest " + info.record.name + " cannot be ended", "try once more");
    }
    {
        std::lock_guard lock(mutex_);
        guests_.erase(info.record.id);
    }
    guest->let_go();
    // Without its record the folder is nobody's: what is left of it goes at the next start.
    if (::unlink(guest->files().record().c_str()) < 0 && errno != ENOENT)
        return fail_errno(guest->files().record());
    std::error_code error;
    std::filesystem::remove_all(guest->files().folder, error);
    events_->append(
        {.kind = "guest.deleted", .guest_id = info.record.id, .guest_name = info.record.name, .detail = {}});
    return {};
}

Result<void> Manager::remove_image(const std::string& reference) {
    std::string id = TRY(images_->find(reference)).image.sha256;
    for (const auto& guest : list()) {
        GuestInfo info = guest->info();
        if (may_run(info) && info.record.spec.image == id)
            return fail(Code::FailedPrecondition, "guest " + info.record.name + " needs image " + reference,
                        "remove the guest first", "IMAGE_IN_USE");
    }
    TRY(images_->remove(id));
    events_->append({.kind = "image.deleted", .guest_id = {}, .guest_name = {}, .detail = id});
    return {};
}

bool Manager::settled() const {
    std::lock_guard lock(mutex_);
    return std::ranges::all_of(guests_, [](const auto& entry) { return entry.second->settled(); });
}

}  // namespace astra::vmm::daemon
