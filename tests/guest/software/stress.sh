#!/bin/bash
# stress.sh [SECONDS]: stress-ng's loads one after the other, each for so long (20). Each is a case ("name: verdict"): stress-ng
# ends by itself, with every instance successful.
export LC_ALL=C
cd /tmp || exit 1
seconds=${1:-20}
for load in cpu fork futex mmap pipe sigq timer vm sem sem-sysv shm shm-sysv sched dentry; do
    with=()
    [ $load != sched ] || with=(--cpu 2 --sched other)
    [ $load != vm ] || with=(--vm-bytes 128M)
    [ $load = sched ] || with+=(--$load 2)
    if timeout -k 10 $((seconds * 3 + 60)) stress-ng --timeout "$seconds" --metrics-brief --oomable "${with[@]}" >log 2>&1; then
        echo "$load: successful"
    else
        echo "$load: status $?"
    fi
    sed "s/^/$load: /" log >&2
done
