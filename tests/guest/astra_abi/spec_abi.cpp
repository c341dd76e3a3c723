// The specification's system calls under its own numbers and structs: each succeeds where it should and fails
// with each errno that the specification or the man page names and a program can provoke. One line a check;
// "ok" and "FAIL".
#include "guest_runtime/sys/syscall.hpp"

using namespace astra;

namespace {

enum {
    kENOENT = 2,
    kESRCH = 3,
    kEINTR = 4,
    kEBADF = 9,
    kECHILD = 10,
    kEAGAIN = 11,
    kEFAULT = 14,
    kENOTDIR = 20,
    kEISDIR = 21,
    kEINVAL = 22,
    kESPIPE = 29,
    kENOSYS = 38,
    kETIMEDOUT = 110,
    kENOEXEC = 8,
    kEACCES = 13
};
constexpr int kOCreate = 0100, kOTruncate = 01000, kODirectory = 0200000, kOReadWrite = 2;

int failures = 0;

void put(const char* text) {
    usize length = 0;
    while (text[length]) length++;
    sys::write(1, reinterpret_cast<const u8*>(text), length);
}

void put_number(i64 value) {
    char digits[24];
    char* at = digits + sizeof digits - 1;
    *at = 0;
    u64 rest = value < 0 ? static_cast<u64>(-value) : static_cast<u64>(value);
    do *--at = static_cast<char>('0' + rest % 10);
    while (rest /= 10);
    if (value < 0) *--at = '-';
    put(at);
}

void check(const char* what, bool good, i64 value = 0) {
    put(good ? "ok   " : "FAIL ");
    put(what);
    if (!good) {
        failures++;
        put(": ");
        put_number(value);
    }
    put("\n");
}
void expect(const char* what, i64 got, i64 wanted) { check(what, got == wanted, got); }

template <class T>
T* bad() {
    return reinterpret_cast<T*>(8);
}
u8 buffer[4096];

void files() {
    i64 fd = sys::open("/tmp/spec", kOCreate | kOTruncate | kOReadWrite, 0644);
    check("2 open creates", fd >= 0, fd);
    int f = static_cast<int>(fd);
    expect("2 open ENOENT", sys::open("/nonexistent", 0, 0), -kENOENT);
    expect("2 open ENOTDIR", sys::open("/tmp/spec/x", 0, 0), -kENOTDIR);
    expect("2 open EISDIR", sys::open("/tmp", kOReadWrite, 0), -kEISDIR);
    expect("2 open EFAULT", sys::open(bad<char>(), 0, 0), -kEFAULT);
    expect("1 write", sys::write(f, reinterpret_cast<const u8*>("<html>astra</html>"), 18), 18);
    expect("1 write EBADF", sys::write(99, buffer, 1), -kEBADF);
    expect("1 write EFAULT", sys::write(f, bad<u8>(), 16), -kEFAULT);
    expect("8 lseek SET", sys::lseek(f, 6, 0), 6);
    expect("8 lseek CUR", sys::lseek(f, 2, 1), 8);
    expect("8 lseek END", sys::lseek(f, -2, 2), 16);
    expect("8 lseek EINVAL", sys::lseek(f, -99, 0), -kEINVAL);
    expect("8 lseek EBADF", sys::lseek(99, 0, 0), -kEBADF);
    sys::lseek(f, 6, 0);
    expect("0 read", sys::read(f, buffer, 5), 5);
    check("0 read gets the bytes", buffer[0] == 'a' && buffer[4] == 'a');
    expect("0 read EBADF", sys::read(99, buffer, 1), -kEBADF);
    expect("0 read EFAULT", sys::read(f, bad<u8>(), 4), -kEFAULT);
    sys::lseek(f, 0, 2);
    expect("0 read at the end", sys::read(f, buffer, 8), 0);

    abi::AstraStat s{};
    static_assert(sizeof s == 24);
    expect("5 fstat", sys::astra_fstat(f, &s), 0);
    check("5 fstat st_size", s.st_size == 18, static_cast<i64>(s.st_size));
    check("5 fstat st_mode is a regular file 0644", s.st_mode == 0100644, static_cast<i64>(s.st_mode));
    check("5 fstat st_mtime is after 2020", s.st_mtime > 1'600'000'000, static_cast<i64>(s.st_mtime));
    expect("5 fstat EBADF", sys::astra_fstat(99, &s), -kEBADF);
    expect("5 fstat EFAULT", sys::astra_fstat(f, bad<abi::AstraStat>()), -kEFAULT);
    expect("4 stat", sys::astra_stat("/tmp", &s), 0);
    check("4 stat st_mode is a directory", (s.st_mode & 0170000) == 0040000, static_cast<i64>(s.st_mode));
    expect("4 stat ENOENT", sys::astra_stat("/nonexistent", &s), -kENOENT);
    expect("3 close", sys::close(f), 0);
    expect("3 close EBADF", sys::close(f), -kEBADF);

    i64 directory = sys::open("/tmp", kODirectory, 0);
    i64 bytes = sys::getdents(static_cast<int>(directory), buffer, sizeof buffer);
    bool found = false;
    for (i64 at = 0; at < bytes;) {
        auto* entry = reinterpret_cast<abi::DirentHead*>(buffer + at);
        const char* name = reinterpret_cast<const char*>(entry + 1);
        found |= name[0] == 's' && name[1] == 'p' && name[2] == 'e' && name[3] == 'c' && name[4] == 0;
        at += entry->reclen;
    }
    check("78 getdents lists the file", found, bytes);
    expect("78 getdents at the end", sys::getdents(static_cast<int>(directory), buffer, sizeof buffer), 0);
    expect("78 getdents EBADF", sys::getdents(99, buffer, sizeof buffer), -kEBADF);
    expect("78 getdents ENOTDIR", sys::getdents(1, buffer, sizeof buffer), -kENOTDIR);
    sys::lseek(static_cast<int>(directory), 0, 0);
    expect("78 getdents EINVAL (no room for one)", sys::getdents(static_cast<int>(directory), buffer, 1),
           -kEINVAL);
    sys::close(static_cast<int>(directory));
}

void clocks() {
    abi::TimeSpec a{}, b{};
    expect("96 clock_gettime MONOTONIC", sys::clock_gettime(1, &a), 0);
    expect("96 clock_gettime REALTIME", sys::clock_gettime(0, &b), 0);
    check("96 REALTIME is after 2020", b.sec > 1'600'000'000, b.sec);
    expect("96 clock_gettime EINVAL", sys::clock_gettime(9999, &a), -kEINVAL);
    expect("96 clock_gettime EFAULT", sys::clock_gettime(1, bad<abi::TimeSpec>()), -kEFAULT);
    expect("228 clock_getres", sys::clock_getres(1, &a), 0);
    check("228 resolution is at most 1 ms", a.sec == 0 && a.nsec > 0 && a.nsec <= 1'000'000, a.nsec);
    expect("228 clock_getres EINVAL", sys::clock_getres(9999, &a), -kEINVAL);
    abi::TimeSpec ten_ms{0, 10'000'000};
    sys::clock_gettime(1, &a);
    expect("35 nanosleep", sys::nanosleep(&ten_ms, nullptr), 0);
    sys::clock_gettime(1, &b);
    i64 slept = (b.sec - a.sec) * 1'000'000'000 + b.nsec - a.nsec;
    check("35 nanosleep lasts at least its time", slept >= 10'000'000, slept);
    abi::TimeSpec wrong{0, 1'000'000'000};
    expect("35 nanosleep EINVAL", sys::nanosleep(&wrong, nullptr), -kEINVAL);
    expect("35 nanosleep EFAULT", sys::nanosleep(bad<abi::TimeSpec>(), nullptr), -kEFAULT);
}

void memory() {
    i64 now = sys::brk(0);
    check("12 brk tells the break", now > 0, now);
    expect("12 brk grows", sys::brk(static_cast<u64>(now) + 8192), now + 8192);
    reinterpret_cast<volatile u8*>(now)[8191] = 1;
    expect("12 brk stays where it was when it cannot move", sys::brk(1), now + 8192);
    i64 page = sys::mmap(0, 4096, 3, 0x22, -1, 0);
    check("9 mmap", page > 0, page);
    *reinterpret_cast<volatile u8*>(page) = 7;
    expect("9 mmap EINVAL", sys::mmap(0, 0, 3, 0x22, -1, 0), -kEINVAL);
    expect("9 mmap EBADF", sys::mmap(0, 4096, 1, 2, 99, 0), -kEBADF);
    expect("11 munmap", sys::munmap(static_cast<u64>(page), 4096), 0);
    expect("11 munmap EINVAL", sys::munmap(1, 4096), -kEINVAL);
}

alignas(16) u8 thread_stack[16384];
volatile u32 thread_word = 0;
int thread_tid = 1;

[[gnu::noinline]] i64 start_thread() {
    constexpr u64 kVm = 0x100, kFs = 0x200, kFiles = 0x400, kSighand = 0x800, kThread = 0x10000,
                  kClearTid = 0x200000;
    u64 flags = kVm | kFs | kFiles | kSighand | kThread | kClearTid;
    i64 result;
    register int* child_tid asm("r10") = &thread_tid;
    register u64 tls asm("r8") = 0;
    asm volatile(
        "syscall\n"
        "test %%rax, %%rax\n"
        "jnz 1f\n"
        "movl $42, %[word]\n"  // the new thread, on its own stack: say so, wake, leave
        "mov $202, %%eax\n"
        "lea %[word], %%rdi\n"
        "mov $1, %%esi\n"
        "mov $1, %%edx\n"
        "syscall\n"
        "mov $60, %%eax\n"
        "xor %%edi, %%edi\n"
        "syscall\n"
        "1:\n"
        : "=a"(result), [word] "=m"(thread_word)
        : "a"(56), "D"(flags), "S"(thread_stack + sizeof thread_stack), "d"(0), "r"(child_tid), "r"(tls)
        : "rcx", "r11", "memory");
    return result;
}

void threads() {
    expect("186 gettid of the first thread is the pid", sys::gettid(), sys::getpid());
    int cell = 0;
    expect("218 set_tid_address", sys::set_tid_address(&cell), sys::gettid());
    u32 word = 1;
    constexpr int kWait = 0, kWake = 1;
    expect("202 futex WAIT EAGAIN", sys::futex(&word, kWait, 0, 0, nullptr, 0), -kEAGAIN);
    abi::TimeSpec ms{0, 1'000'000};
    expect("202 futex WAIT ETIMEDOUT", sys::futex(&word, kWait, 1, reinterpret_cast<u64>(&ms), nullptr, 0),
           -kETIMEDOUT);
    expect("202 futex WAKE nobody", sys::futex(&word, kWake, 1, 0, nullptr, 0), 0);
    expect("202 futex EFAULT", sys::futex(bad<u32>(), kWait, 0, 0, nullptr, 0), -kEFAULT);
    expect("202 futex ENOSYS", sys::futex(&word, 99, 0, 0, nullptr, 0), -kENOSYS);
    expect("56 clone EINVAL (THREAD without SIGHAND)", sys::clone(0x10000, 0, nullptr, nullptr, 0), -kEINVAL);
    i64 tid = start_thread();
    check("56 clone starts a thread", tid > 0, tid);
    while (thread_word != 42) sys::futex(const_cast<u32*>(&thread_word), kWait, 0, 0, nullptr, 0);
    check("202 futex WAIT and WAKE between threads", true);
    while (u32 left = *reinterpret_cast<volatile u32*>(&thread_tid))
        sys::futex(reinterpret_cast<u32*>(&thread_tid), kWait, left, 0, nullptr, 0);
    check("56 CLONE_CHILD_CLEARTID clears and wakes", true);
}

void processes(char** argv) {
    check("39 getpid", sys::getpid() > 0);
    int status = 0;
    expect("61 wait4 ECHILD", sys::wait4(-1, &status, 0, nullptr), -kECHILD);
    i64 child = sys::fork();
    if (child == 0) sys::exit(7);
    check("57 fork", child > 0, child);
    expect("61 wait4", sys::wait4(static_cast<int>(child), &status, 0, nullptr), child);
    expect("60 exit's status", status, 7 << 8);
    expect("61 wait4 EINVAL", sys::wait4(-1, &status, 0x40, nullptr), -kEINVAL);
    child = sys::fork();
    if (child == 0) {
        const u64 arguments[] = {reinterpret_cast<u64>(argv[0]), reinterpret_cast<u64>("executed"), 0};
        const u64 none[] = {0};
        sys::execve(argv[0], arguments, none);
        sys::exit(99);
    }
    sys::wait4(static_cast<int>(child), &status, 0, nullptr);
    expect("59 execve runs the program anew", status, 33 << 8);
    const u64 none[] = {0};
    expect("59 execve ENOENT", sys::execve("/nonexistent", none, none), -kENOENT);
    expect("59 execve EACCES", sys::execve("/tmp/spec", none, none), -kEACCES);
    expect("59 execve EFAULT", sys::execve(bad<char>(), none, none), -kEFAULT);
    expect("9999 ENOSYS", sys::call<9999>(), -kENOSYS);
    expect("229 (clock_getres in Linux) ENOSYS", sys::call<229>(), -kENOSYS);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc > 1) return 33;  // "59 execve runs the program anew"
    files();
    clocks();
    memory();
    threads();
    processes(argv);
    put(failures ? "spec_abi: FAILED\n" : "spec_abi: passed\n");
    return failures ? 1 : 0;
}
