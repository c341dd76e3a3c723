// Path walks: one component at a time, through mounts and symbolic links (path_resolution(7), openat2(2)).
#pragma once
#include "guest_kernel/fs/vfs.hpp"
#include "guest_kernel/sched/process.hpp"

namespace astra::fs {

/// On whose behalf the tree is used: the current process, or the kernel itself when there is none.
struct Caller {
    Path root;
    sched::Credentials credentials;
    u32 umask = 0;
    static Caller current();
};

class Walker {
  public:
    static constexpr u32 kMaxLinks = 40;

    /// `walk`: Walk bits. The walk starts at `base` unless the path is absolute.
    Walker(const Caller& caller, const Path& base, u32 walk);

    /// What a path ends in, once everything before has been walked.
    struct Last {
        enum Kind : u8 { Name, Dot, DotDot, Nothing /* "/" alone, or what a link to it leaves */ } kind;
        std::string_view name;
        bool slash;  // something must be a directory: a slash follows
    };

    /// Walks the whole path.
    Result<Path> resolve(std::string_view path);
    /// Walks all but the last component; at() is then the directory that holds, or would hold, last().
    Result<void> to_parent(std::string_view path);
    [[nodiscard]] const Path& at() const { return at_; }
    [[nodiscard]] const Last& last() const { return last_; }

    /// The object called `name` in at(), mounts on it entered, links not followed. Checks search permission.
    Result<Path> child(std::string_view name);
    /// After to_parent found last() to be the link `link`: walks its target up to the new last().
    Result<void> follow_last(const Path& link);
    /// Ends at `child` of at(), or at what last() says when it is no name.
    Result<Path> finish();

  private:
    Result<void> check_directory();
    Result<void> advance();
    Result<void> push_link(const Path& link, bool slash_after);
    Result<void> up();
    Path enter_mounts(Path path, bool& crossed);

    const Caller& caller_;
    u32 walk_;
    Path scope_;  // kBeneath and kInRoot: the place not to leave; else the caller's root
    Path at_;
    Last last_{};
    String text_;            // what links brought; rest_ points into it or into the caller's path
    std::string_view rest_;  // still to walk
    u32 links_ = 0;
};

}  // namespace astra::fs
