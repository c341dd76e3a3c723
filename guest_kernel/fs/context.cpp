// A process's place in the tree. Old paths are let go after the lock: that may free inodes.
#include "guest_kernel/fs/context.hpp"

namespace astra::fs {

Result<Ref<Context>> Context::create(Path root, Path cwd) {
    Ref<Context> context = TRY(make_ref<Context>());
    State& state = context->state_.unlocked();
    state.root = std::move(root);
    state.cwd = std::move(cwd);
    return context;
}

Result<Ref<Context>> Context::clone() {
    Ref<Context> copy = TRY(make_ref<Context>());
    copy->state_.unlocked() = *state_.lock();
    return copy;
}

Path Context::root() { return state_.lock()->root; }
Path Context::cwd() { return state_.lock()->cwd; }
u32 Context::umask() { return state_.lock()->umask; }

u32 Context::set_umask(u32 mask) {
    auto state = state_.lock();
    return std::exchange(state->umask, mask & 0777);
}

void Context::set_root(Path root) {
    auto state = state_.lock();
    std::swap(state->root, root);
    state.unlock();
}

void Context::set_cwd(Path cwd) {
    auto state = state_.lock();
    std::swap(state->cwd, cwd);
    state.unlock();
}

}  // namespace astra::fs
