// Numbers without a call behind them.
#include "tests/guest/cases/case.h"

int main(void) {
    long numbers[] = {180, 400, 423, 500, 511, 1000, 100000, 0x7fffffff, -1L, -1000L};
    for (int i = 0; i < 10; i++) {
        char what[32];
        snprintf(what, sizeof what, "number %ld", numbers[i]);
        show(what, outcome(syscall(numbers[i], 1L, 2L, 3L, 4L, 5L, 6L)));
    }
    say("alive\n");
}
