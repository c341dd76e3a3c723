// What each thread of astra-vmm may ask of the host once the guest runs: data, looked at by sandbox.cpp and
// by the test that every rule is needed.
#pragma once
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "guest_kernel/base/types.hpp"

namespace astra::vmm {

/// Bits of Rule::roles: the thread that serves the devices, those of the CPUs, the network's.
inline constexpr u32 kDeviceRole = 1, kVcpuRole = 2, kNetRole = 4, kAnyRole = 7;

struct SandboxRule {
    u32 roles;
    u32 call;
    /// With a mask: only if (argument & mask) == value, of the argument's low half. That of an open is its
    /// flags.
    u32 argument = 0, mask = 0, value = 0;
    /// Needed in situations that no test brings about; why is said beside it.
    bool rare = false;
};

inline constexpr u32 kWhole = ~u32{0};

// The busiest first: a filter is walked from its start.
inline constexpr SandboxRule kSandboxRules[] = {
    {kVcpuRole, SYS_ioctl, 1, kWhole, KVM_RUN},
    {kAnyRole, SYS_write},  // eventfds, the log, a socket, stderr
    {kAnyRole, SYS_read},
    {kAnyRole, SYS_futex},
    {kDeviceRole, SYS_epoll_wait},
    {kAnyRole, SYS_poll},  // the network's wait; whether a stream that is not a socket has room
    {kAnyRole, SYS_sendto},
    {kAnyRole, SYS_recvfrom},
    {kDeviceRole | kVcpuRole, SYS_timerfd_settime},
    // the serial port's and the clock's: ASTRA's kernel enables neither
    {kDeviceRole | kVcpuRole, SYS_ioctl, 1, kWhole, KVM_IRQ_LINE, true},
    {kDeviceRole | kVcpuRole, SYS_getrandom},  // the entropy device

    // The C library: memory (never executable), locks, threads, their end.
    {kAnyRole, SYS_brk, 0, 0, 0, true},  // when the heap grows at last
    {kAnyRole, SYS_mmap, 2, PROT_EXEC, 0},
    {kAnyRole, SYS_munmap},
    {kAnyRole, SYS_mprotect, 2, PROT_EXEC, 0},
    {kAnyRole, SYS_mremap, 0, 0, 0, true},  // a large block that grows
    {kAnyRole, SYS_madvise},
    {kAnyRole, SYS_rt_sigprocmask},
    {kAnyRole, SYS_rt_sigreturn},
    {kAnyRole, SYS_restart_syscall, 0, 0, 0, true},  // a timed wait that SIGSTOP interrupted
    {kAnyRole, SYS_clock_gettime, 0, 0, 0, true},    // a host whose clock the vDSO cannot read
    {kAnyRole, SYS_gettimeofday, 0, 0, 0, true},     // the same
    {kAnyRole, SYS_close},
    {kAnyRole, SYS_getpid},
    {kAnyRole, SYS_tgkill},  // kicks a CPU out of KVM_RUN
    {kAnyRole, SYS_exit},
    {kAnyRole, SYS_exit_group},

    // A CPU's registers, for reports.
    {kVcpuRole, SYS_ioctl, 1, kWhole, KVM_GET_REGS},
    {kVcpuRole, SYS_ioctl, 1, kWhole, KVM_GET_SREGS},

    // The user network: sockets of this host, and its resolver's file.
    {kNetRole, SYS_socket},
    {kNetRole, SYS_connect},
    {kNetRole, SYS_accept},
    {kNetRole, SYS_shutdown},
    {kNetRole, SYS_getsockopt},
    {kNetRole, SYS_setsockopt},
    {kNetRole, SYS_getpeername, 0, 0, 0, true},  // a peer that ends its stream before the guest does
    {kNetRole, SYS_recvmsg},
    {kNetRole, SYS_sendmsg, 0, 0, 0, true},  // UDP with ancillary data
    {kNetRole, SYS_fcntl},
    {kNetRole, SYS_ioctl, 1, kWhole, FIONREAD},
    {kNetRole, SYS_ioctl, 1, kWhole, TUNSETOFFLOAD, true},  // a tap, which takes root and a device
    {kNetRole, SYS_readv, 0, 0, 0, true},                   // the same
    {kNetRole, SYS_writev, 0, 0, 0, true},                  // the same
    {kNetRole, SYS_openat, 2, O_ACCMODE | O_CREAT, O_RDONLY},
    {kNetRole, SYS_newfstatat},
    {kNetRole, SYS_lseek, 0, 0, 0, true},                  // a resolver's file that was not read to its end
    {kNetRole, SYS_ioctl, 1, kWhole, SIOCGIFINDEX, true},  // a resolver with a link-local IPv6 address
};

}  // namespace astra::vmm
