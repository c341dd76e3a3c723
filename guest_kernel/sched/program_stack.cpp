// A program's first stack.
#include "guest_kernel/drivers/random.hpp"
#include "guest_kernel/mm/map_flags.hpp"
#include "guest_kernel/sched/program_image.hpp"
#include "guest_kernel/sched/signal_frame.hpp"

namespace astra::sched {

namespace {

// Keys of the auxiliary vector (linux/auxvec.h).
enum AuxKey : u64 {
    kAtNull,
    kAtPhdr = 3,
    kAtPhent,
    kAtPhnum,
    kAtPagesz,
    kAtBase,
    kAtFlags,
    kAtEntry,
    kAtUid = 11,
    kAtEuid,
    kAtGid,
    kAtEgid,
    kAtPlatform,
    kAtHwcap,
    kAtClktck,
    kAtSecure = 23,
    kAtRandom = 25,
    kAtHwcap2,
    kAtExecfn = 31,
    kAtSysinfoEhdr = 33,
    kAtMinsigstksz = 51,
};
constexpr u64 kClockTicks = 100;  // USER_HZ
constexpr char kPlatform[] = "x86_64";
constexpr usize kRandomBytes = 16;
constexpr u64 kStackSlack = 128 * 1024;  // mapped below the arguments at once

// The stack's top part as bytes that will lie at [top - size, top); filled from the end down.
class Picture {
  public:
    explicit Picture(u64 top) : top_(top) {}
    Result<void> make(usize size) {
        at_ = size;
        return bytes_.resize(size);
    }
    u64 push(std::span<const char> text) {
        at_ -= text.size();
        __builtin_memcpy(bytes_.data() + at_, text.data(), text.size());
        return address();
    }
    void push_word(u64 word) { push({reinterpret_cast<const char*>(&word), sizeof word}); }
    void align(usize unit) { at_ -= address() & (unit - 1); }
    [[nodiscard]] u64 address() const { return top_ - (bytes_.size() - at_); }
    [[nodiscard]] std::span<const u8> bytes() const {
        return {reinterpret_cast<const u8*>(bytes_.data()) + at_, bytes_.size() - at_};
    }

  private:
    u64 top_;
    usize at_ = 0;
    Vector<char> bytes_;
};

struct AuxEntry {
    u64 key, value;
};

// Pushes the addresses of the strings of `block`, which lies at `where`, and a terminating null.
void push_pointers(Picture& picture, const StringBlock& block, u64 where) {
    picture.push_word(0);
    std::span<const char> bytes = block.bytes();
    for (usize i = bytes.size(); i-- > 0;)
        if (i == 0 || bytes[i - 1] == '\0') picture.push_word(where + i);
}

Result<void> map_stack(mm::AddressSpace& space, u64 top, u64 used, bool executable) {
    u64 size = align_up(used + kStackSlack, kPageSize);
    mm::MapRequest request;
    request.hint = UserAddr(top - size);
    request.length = size;
    request.prot = mm::kProtRead | mm::kProtWrite | (executable ? u32{mm::kProtExec} : 0);
    request.flags = mm::kMapPrivate | mm::kMapAnonymous | mm::kMapFixed | mm::kMapGrowsDown | mm::kMapStack;
    request.name = "[stack]";
    TRY(space.map(request));
    return {};
}

}  // namespace

u64 argument_limit(u64 stack_limit) {
    constexpr u64 kLeast = 128 * 1024, kMost = 6 << 20;
    u64 quarter = stack_limit / 4;
    return quarter < kLeast ? kLeast : quarter > kMost ? kMost : quarter;
}

Result<UserAddr> build_stack(mm::AddressSpace& space, const LoadedProgram& program,
                             const ExecRequest& request, const StackFacts& facts) {
    const StringBlock &arguments = request.arguments, &environment = request.environment;
    u64 strings = arguments.bytes().size() + environment.bytes().size() + request.path.size() + 1;
    u64 pointers = (u64{arguments.count()} + environment.count() + 3) * sizeof(u64);
    if (strings + pointers > argument_limit(facts.limit)) return fail(Errno::kE2BIG);

    constexpr u64 kTop = arch::kUserEnd;
    constexpr usize kRest = 1024;  // auxiliary vector, platform, random bytes, alignment
    Picture picture(kTop);
    TRY(picture.make(strings + pointers + kRest));
    picture.push_word(0);
    constexpr char kEnd[] = {'\0'};
    picture.push(kEnd);
    u64 path = picture.push({request.path.view().data(), request.path.size()});
    u64 environment_at = picture.push(environment.bytes());
    space.layout.env_end = UserAddr(environment_at + environment.bytes().size());
    u64 arguments_at = picture.push(arguments.bytes());
    u64 platform = picture.push(kPlatform);
    u8 random[kRandomBytes];
    random_bytes(random);
    u64 random_at = picture.push({reinterpret_cast<char*>(random), sizeof random});

    const Credentials& who = facts.credentials;
    const AuxEntry auxiliary[] = {
        {kAtSysinfoEhdr, facts.vdso.raw()},
        {kAtHwcap, arch::hardware_capabilities()},
        {kAtPagesz, kPageSize},
        {kAtClktck, kClockTicks},
        {kAtPhdr, program.program_headers.raw()},
        {kAtPhent, elf::kProgramHeaderSize},
        {kAtPhnum, program.program_header_count},
        {kAtBase, program.interpreter_base.raw()},
        {kAtFlags, 0},
        {kAtEntry, program.entry.raw()},
        {kAtUid, who.uid},
        {kAtEuid, who.euid},
        {kAtGid, who.gid},
        {kAtEgid, who.egid},
        {kAtSecure, facts.secure},
        {kAtRandom, random_at},
        {kAtHwcap2, 0},  // FSGSBASE is the kernel's own
        {kAtExecfn, path},
        {kAtPlatform, platform},
        {kAtMinsigstksz, signal_frame_size()},
        {kAtNull, 0},
    };
    std::span<const AuxEntry> entries(auxiliary);

    // The stack pointer, which is argc's address, is a multiple of 16.
    picture.align(16);
    u64 words = entries.size() * 2 + arguments.count() + environment.count() + 3;
    if (words % 2) picture.push_word(0);
    picture.push({reinterpret_cast<const char*>(entries.data()), entries.size_bytes()});
    push_pointers(picture, environment, environment_at);
    push_pointers(picture, arguments, arguments_at);
    picture.push_word(arguments.count());

    TRY(map_stack(space, kTop, picture.bytes().size(), program.executable_stack));
    UserAddr sp(picture.address());
    if (TRY(space.poke(sp, picture.bytes())) != picture.bytes().size()) return fail(Errno::kENOMEM);
    space.layout.stack_top = sp;
    space.layout.args_start = UserAddr(arguments_at);
    space.layout.args_end = space.layout.env_start = UserAddr(environment_at);
    return sp;
}

}  // namespace astra::sched
