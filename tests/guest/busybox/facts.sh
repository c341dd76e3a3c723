#!/bin/sh
# What must hold on any Linux, whatever the numbers: each line is "fact: yes" or "fact: no".
export LC_ALL=C TZ=UTC PATH=/bin:/sbin:/usr/bin:/usr/sbin

# fact NAME COMMAND: whether the command succeeds.
fact() {
    if sh -c "$2" >/tmp/fact.out 2>&1; then echo "$1: yes"; else
        echo "$1: no"
        [ -z "$FACTS_VERBOSE" ] || cat /tmp/fact.out
    fi
}

fact 'ps lists its own process' 'ps -o pid,comm | awk "\$2 == \"ps\"" | grep -q ps'
fact 'ps lists this shell by its number' 'ps -o pid | grep -qw $$'
fact 'ps knows the parent' '[ "$(ps -o pid,ppid | awk -v p=$$ "\$1 == p { print \$2 }")" = $PPID ]'
fact 'mount shows one root' '[ $(mount | grep -c " on / type ") = 1 ]'
fact 'mount shows proc on /proc' 'mount | grep -q " on /proc type proc "'
fact 'df of / has a size' 'df / | awk "NR == 2 && \$2 > 0 && \$2 >= \$3" | grep -q .'
fact 'df -i of / works' 'df -i / | grep -q /'
fact 'uname names Linux' '[ "$(uname -s)" = Linux ]'
fact 'uname names x86_64' '[ "$(uname -m)" = x86_64 ]'
fact 'the release has numbers' 'uname -r | grep -Eq "^[0-9]+\.[0-9]+"'
fact 'the host has a name' '[ -n "$(hostname)" ] && [ "$(hostname)" = "$(uname -n)" ]'
fact 'ls -l shows the link of ls' 'ls -l /bin/ls | grep -q -- "/bin/ls -> /bin/busybox"'
fact 'ls -l shows busybox executable' 'ls -l /bin/busybox | grep -q ^-rwxr-xr-x'
fact 'ls -la shows . and ..' '[ $(ls -la / | grep -Ec " \.\.?$") = 2 ]'
fact 'ls -i numbers differ' '[ "$(ls -di /bin | awk "{ print \$1 }")" != "$(ls -di /tmp | awk "{ print \$1 }")" ]'
fact 'free shows memory' 'free | awk "/^Mem/ && \$2 > 10000 && \$2 >= \$3" | grep -q .'
fact 'uptime says up' 'uptime | grep -q up'
fact '/proc/uptime moves' 'a=$(cut -d" " -f1 /proc/uptime); sleep 0.05; b=$(cut -d" " -f1 /proc/uptime); [ "$a" != "$b" ]'
fact 'nproc is at least one' '[ $(nproc) -ge 1 ]'
fact '/proc/cpuinfo agrees with nproc' '[ $(grep -c ^processor /proc/cpuinfo) -ge $(nproc) ]'
fact '/proc/self is the reader' '[ "$(readlink /proc/self)" -gt 0 ]'
fact '/proc/self/exe is busybox' '[ "$(readlink /proc/self/exe)" = /bin/busybox ]'
fact '/proc/self/fd has the standard three' '[ $(ls /proc/self/fd | grep -c "^[012]$") = 3 ]'
fact '/proc/$$/cmdline names sh' 'tr "\0" " " </proc/$$/cmdline | grep -q sh'
fact '/proc/$$/cwd follows cd' 'cd /tmp && [ "$(readlink /proc/$$/cwd)" = /tmp ]'
fact '/proc/$$/environ holds the environment' 'tr "\0" "\n" </proc/$$/environ | grep -q ^PATH='
fact '/proc/meminfo has MemTotal' 'grep -q "^MemTotal: .* kB" /proc/meminfo'
fact '/proc/mounts and mount agree' '[ $(wc -l </proc/mounts) = $(mount | wc -l) ]'
fact '/dev/null swallows' 'echo x >/dev/null && [ -z "$(cat /dev/null)" ]'
fact '/dev/zero gives zeros' '[ "$(head -c 4 /dev/zero | od -An -tx1 | tr -d " ")" = 00000000 ]'
fact '/dev/urandom differs' '[ "$(head -c 16 /dev/urandom | md5sum)" != "$(head -c 16 /dev/urandom | md5sum)" ]'
fact '/dev/full is full' '! echo x >/dev/full'
fact '/dev/fd works' '[ "$(echo x | cat /dev/fd/0)" = x ]'
fact '/tmp is writable and sticky' 'touch /tmp/f && rm /tmp/f && ls -ld /tmp | grep -q ^drwxrwxrwt'
fact 'the clock is past 2023' '[ $(date +%s) -gt 1700000000 ]'
fact 'id is root' '[ "$(id -u)" = 0 ] && [ "$(whoami)" = root ]'
fact 'dmesg or its refusal is clean' 'dmesg >/dev/null || [ $? = 1 ]'
fact 'killall finds by name' 'sleep 7 & i=0; until killall sleep || [ $i = 50 ]; do usleep 20000; i=$((i + 1)); done; wait $!; [ $? = 143 ]'
fact 'pidof finds by name' 'sleep 8 & p=$!; i=0; until [ "$(pidof sleep)" = $p ] || [ $i = 50 ]; do usleep 20000; i=$((i + 1)); done; kill $p; [ $i -lt 50 ]'
fact 'top runs once' 'top -b -n 1 | grep -q "PID"'
fact 'a reader sees a writer of a fifo' 'mkfifo /tmp/q; (echo hi >/tmp/q &); [ "$(cat /tmp/q)" = hi ]; r=$?; rm /tmp/q; exit $r'
fact 'dropped root cannot read a private file' 'echo x >/tmp/p; chmod 600 /tmp/p; ! setpriv --reuid 1000 cat /tmp/p 2>/dev/null || ! su user -c "cat /tmp/p"'
fact 'a tmpfs can be mounted and unmounted' 'mkdir -p /tmp/m && mount -t tmpfs none /tmp/m && touch /tmp/m/f && umount /tmp/m && [ ! -e /tmp/m/f ]'
