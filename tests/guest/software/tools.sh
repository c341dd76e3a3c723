#!/bin/bash
# What people run, unmodified: a compiler, databases, interpreters, version control, archives. Each section is a case
# ("== name") and prints nothing that differs from one machine to the next.
exec 2>&1
export LC_ALL=C TZ=UTC HOME=/tmp/tools
mkdir -p /tmp/tools && cd /tmp/tools || exit 1

t() { printf '\n== %s\n' "$1"; }

t gcc
cat >hello.c <<'X'
#include <math.h>
#include <pthread.h>
#include <stdio.h>
static void *thread(void *of) { printf("thread %ld, %.3f\n", (long)of, sqrt((double)(long)of)); return of; }
int main(int argc, char **argv) {
    pthread_t t;
    void *result;
    pthread_create(&t, 0, thread, (void *)(long)argc);
    pthread_join(t, &result);
    return printf("hello from %s\n", argv[0]) != 20;
}
X
gcc -O2 -g -Wall -pipe hello.c -o hello -lm -pthread && ./hello a b c; echo $?
gcc -O1 -static hello.c -o static -lm && ./static; echo $?
printf 'int f(int x) { return x + 1; }\n' >f.c && gcc -c -fPIC f.c && ar rcs libf.a f.o && gcc -shared -o libf.so f.o && nm libf.a | grep ' T ' && objdump -d f.o | grep -c ret
echo 'int main(void) { return undefined; }' | gcc -x c - -o none; echo $?

t sqlite
sqlite3 db <<'X'
PRAGMA journal_mode=WAL;
CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, value REAL);
CREATE INDEX by_name ON t(name);
BEGIN;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
INSERT INTO t SELECT i, 'name' || (i * 7919 % 100003), i / 3.0 FROM n;
COMMIT;
SELECT count(*), sum(id), round(avg(value), 3) FROM t;
SELECT id FROM t WHERE name = 'name4242';
PRAGMA wal_checkpoint(TRUNCATE);
PRAGMA integrity_check;
X
ls; for i in 1 2 3 4; do for j in 1 2 3 4 5; do sqlite3 -cmd '.timeout 20000' db "INSERT INTO t(name) VALUES('writer $i $j')"; done & done; wait
sqlite3 db "SELECT count(*) FROM t WHERE name LIKE 'writer%'; DELETE FROM t WHERE id > 1000; VACUUM; SELECT count(*) FROM t; PRAGMA integrity_check"

t perl
perl -MPOSIX -MTime::HiRes=sleep -we 'use strict; my %h = map { $_ => $_ ** 2 } 1 .. 1000; my $s = 0; $s += $_ for values %h; print "$s\n";
    $SIG{ALRM} = sub { die "alarm\n" }; eval { alarm 1; POSIX::pause() while 1 }; print $@;
    my $pid = open(my $kid, "-|") // die; if (!$pid) { print "from the child\n" for 1 .. 3; exit 4 } print "got $_" while <$kid>; close $kid; print $? >> 8, "\n";
    $_ = "a1b22c333"; print join(",", /(\d+)/g), "\n"; printf "%s %d\n", strftime("%F", gmtime(86400 * 365)), scalar(my @f = glob("/etc/pass*"));
    local $SIG{USR1} = sub { print "usr1\n" }; kill USR1 => $$; socketpair(my $a, my $b, 1, 1, 0) or die; syswrite $a, "pair\n"; print scalar <$b>; print -s "/etc/debian_version" > 0 ? "size\n" : "";'

t node
cat >n.js <<'X'
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const fs = require('fs'), os = require('os'), { spawn } = require('child_process'), crypto = require('crypto'), zlib = require('zlib');
if (!isMainThread) {
    let sum = 0;
    for (let i = 0; i < 1e6; i++) sum += i % workerData;
    parentPort.postMessage(sum);
} else (async () => {
    const start = process.hrtime.bigint();
    await new Promise(done => setTimeout(done, 25));
    const waited = Number(process.hrtime.bigint() - start) / 1e6;
    console.log('timer', waited >= 24);
    const order = [];
    setImmediate(() => order.push('immediate')); process.nextTick(() => order.push('tick')); Promise.resolve().then(() => order.push('promise'));
    await new Promise(done => setTimeout(done, 5));
    console.log(order.join());
    const sums = await Promise.all([3, 5, 7].map(workerData => new Promise((done, failed) => new Worker(__filename, { workerData }).on('message', done).on('error', failed))));
    console.log('workers', sums.join());
    await fs.promises.mkdir('n/deep/er', { recursive: true });
    await Promise.all([...Array(20).keys()].map(i => fs.promises.writeFile(`n/file${i}`, 'x'.repeat(i * 1000))));
    console.log('files', (await fs.promises.readdir('n')).length, fs.statSync('n/file19').size);
    const seen = new Promise(done => { const w = fs.watch('n', (event, name) => { w.close(); done(name); }); });
    fs.writeFileSync('n/watched', '1');
    console.log('watch', await seen);
    fs.rmSync('n', { recursive: true });
    const child = spawn('sh', ['-c', 'tr a-z A-Z; exit 3']);
    child.stdout.on('data', d => console.log('child', String(d).trim()));
    child.stdin.end('text\n');
    console.log('status', await new Promise(done => child.on('close', done)));
    const packed = await new Promise(done => zlib.gzip('y'.repeat(1e6), (e, b) => done(b)));
    console.log('zlib', zlib.gunzipSync(packed).length, crypto.createHash('sha256').update('abc').digest('hex').slice(0, 8));
    const server = require('net').createServer(s => s.end('served')).listen('n.sock', () => require('net').connect('n.sock').on('data', d => { console.log(String(d)); server.close(); }));
    process.on('SIGUSR2', () => console.log('usr2'));
    process.kill(process.pid, 'SIGUSR2');
    await new Promise(done => setTimeout(done, 20));
})();
X
node n.js; echo $?

t go
/opt/goroutines; echo $?

t git
git config --global user.name tester && git config --global user.email tester@example.org && git config --global init.defaultBranch main && git config --global advice.detachedHead false
export GIT_AUTHOR_DATE='1700000000 +0000' GIT_COMMITTER_DATE='1700000000 +0000' GIT_PAGER=cat
git init -q repo && cd repo && for i in $(seq 50); do echo "line $i" >"f$i"; done && git add . && git commit -qm first && git checkout -qb side && seq 100 >f1 && git commit -qam second && git checkout -q main && echo more >>f2 && git commit -qam third && git merge -q -m merged side
git log --oneline --graph; git diff --stat HEAD~1; git status --short | wc -l; git gc -q; git fsck; git count-objects -v | grep -E 'in-pack|packs'
cd .. && git clone -q repo copy && git -C copy log -1 --format=%s; git -C repo stash list; git -C repo blame -s f2 | tail -1 | cut -c10-

t archives
head -c 25000000 /dev/zero | openssl enc -aes-128-ctr -pbkdf2 -pass pass:x -nosalt 2>/dev/null >random || perl -e 'my $x = 1; for (1 .. 6250000) { $x = ($x * 1103515245 + 12345) & 0xffffffff; print pack("L", $x) }' >random
mkdir big && for i in 1 2 3 4; do cat random >big/$i; done && rm random
tar -cf - big | zstd -q -1 -T2 -o big.tar.zst && zstd -q -t big.tar.zst && (mkdir out && cd out && zstd -dc ../big.tar.zst | tar -x && diff -r big ../big) && echo same; du -s --apparent-size -B1M big | cut -f1; rm -rf big out big.tar.zst

t terminal
cat >jobs.sh <<'X'
set -m
trap 'echo winch' WINCH
sleep 100 &
jobs
kill -STOP %1; sleep 0.2; jobs
bg %1 >/dev/null; jobs
kill %1; wait %1; echo "ended $?"
(trap 'echo child has INT; exit 9' INT; kill -INT $BASHPID; sleep 1); echo $?
tty; stty size; [ -t 0 ] && echo a terminal
X
script -qec 'stty rows 30 cols 90; exec bash --norc --noprofile jobs.sh' /dev/null </dev/null | tr -d '\r' | sed 's,/dev/pts/[0-9]*,/dev/pts/N,'
printf 'sleep 30\003echo $?\nsleep 0.1 &\nwait; jobs; exit 7\n' >keys
perl -e 'open K, "<keys"; local $/; $_ = <K>; for (split /(\003)/) { select undef, undef, undef, 0.5; syswrite STDOUT, $_ } sleep 2' | PS1='$ ' script -qec 'bash --norc --noprofile -i' /dev/null | tr -d '\r' | grep -aE '^(130|exit)'
