/* A static program whose first instruction reads the time stamp counter. Prints, in decimal, that value, then
 * CLOCK_MONOTONIC in nanoseconds and the counter again, read right after it. Built with -nostdlib. */
static char line[72];
static char* at = line + sizeof line;

static void put(unsigned long value, char end) {
    *--at = end;
    do *--at = (char)('0' + value % 10);
    while (value /= 10);
}

static long call(long number, long a, long b, long c) {
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return result;
}

__attribute__((used, noreturn)) static void report(unsigned low, unsigned high) {
    unsigned long time[2] = {0, 0};
    long result = call(228, 1, (long)time, 0); /* clock_gettime(CLOCK_MONOTONIC) */
    unsigned again_low, again_high;
    __asm__ volatile("rdtsc" : "=a"(again_low), "=d"(again_high));
    put((unsigned long)again_high << 32 | again_low, '\n');
    put(time[0] * 1000000000 + time[1], ' ');
    put((unsigned long)high << 32 | low, ' ');
    result |= call(1, 1, (long)at, line + sizeof line - at); /* write */
    call(231, result < 0, 0, 0);                             /* exit_group */
    __builtin_unreachable();
}

__asm__(
    ".globl _start\n"
    "_start:\n"
    "    rdtsc\n"
    "    mov %eax, %edi\n"
    "    mov %edx, %esi\n"
    "    and $-16, %rsp\n"
    "    call report\n");
