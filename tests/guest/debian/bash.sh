#!/bin/bash
# Debian's bash, coreutils and procps: dynamic programs, each section a case ("== name").
exec 2>&1
export LC_ALL=C TZ=UTC
mkdir -p /tmp/bash && cd /tmp/bash || exit 1

t() { printf '\n== %s\n' "$1"; }

t arrays
declare -a list=(one "two words" three) && declare -A map=([a]=1 [b]=2)
list+=(four); echo "${#list[@]} ${list[1]} ${list[@]:2:2} ${!list[@]}"; for k in $(printf '%s\n' "${!map[@]}" | sort); do echo "$k=${map[$k]}"; done
t expansion
x=path/to/file.tar.gz; echo "${x##*/} ${x%%.*} ${x/to/from} ${x^^} ${#x} ${x:5:2} $((16#ff + 2**10)) {a..e} {1..3}{x,y}"; echo {a..e} {1..3}{x,y}
t substitution
diff <(printf '1\n2\n3\n') <(printf '1\n3\n'); cat <<<"here string"; read -r a b <<<"first second third"; echo "$b"
t functions
fib() { (($1 < 2)) && echo "$1" || echo $(($(fib $(($1 - 1))) + $(fib $(($1 - 2))))); }; fib 8
t regex
[[ "key=value42" =~ ^([a-z]+)=([a-z]+)([0-9]+)$ ]] && echo "${BASH_REMATCH[@]}"
t jobs
(sleep 0.05; exit 3) & wait $!; echo $?; for i in 3 1 2; do (sleep 0.0$i; echo "job $i" >"out$i") & done; wait; cat out1 out2 out3; coproc CAT { cat; }; echo ping >&"${CAT[1]}"; read -r line <&"${CAT[0]}"; echo "$line"
t traps
bash -c 'trap "echo term; exit 5" TERM; kill $$; sleep 1'; echo $?; bash -c 'trap "echo leaving" EXIT; exit 6'; echo $?; timeout 0.1 sleep 5; echo $?
t pipefail
set -o pipefail; false | true; echo "$? ${PIPESTATUS[*]}"; set +o pipefail; seq 1 100000 | sort -rn | head -2; yes | head -1
t ls
mkdir d; echo hello >f; ln -s f l; mkfifo p; touch -d @1700000000 f; touch -h -d @1700000000 l; ls -l --time-style=+%s f l; ls -F; ls -la --time-style=+ d | awk 'NR > 1 { print $1, $NF }'; stat -c '%n %F %s %a %U' f l p; ls missing
t files
cp -a f g; cmp f g && echo same; mv g h; ln f i; stat -c %h i; rm -v h; install -m 640 f j; stat -c %a j; mkdir -pv x/y; rmdir -v x/y; truncate -s 5000 t; du --apparent-size -b t; dd if=/dev/zero of=z bs=1k count=3 status=none; wc -c z; cp --sparse=always z zz; cmp z zz && echo same
t text
printf 'c 3\na 1\nb 2\n' | tee tab | sort | column -t 2>/dev/null || sort tab; cut -d' ' -f2 tab | paste -sd+ | sed 's/$/=/'; tr a-c A-C <tab; join <(sort tab) <(printf 'a x\nb y\n'); comm -12 <(sort tab) <(sort tab | head -2); nl tab; fold -w 3 tab; tac tab; od -c tab | head -1; numfmt --to=iec 123456; shuf -i 1-5 | sort | tr '\n' ' '; factor 1001; split -n 3 tab part; cat part*
t sums
md5sum <<<x; sha256sum <<<x; b2sum <<<x; cksum <<<x; base64 <<<hello | base64 -d
t find
mkdir -p tree/{a,b}/c; touch tree/a/{1,2} tree/b/c/3; find tree -type f -printf '%p %s\n' | sort; find tree -name '[12]' -exec basename {} \; | sort; find tree -depth -type d -empty -delete -print; find tree | sort; find tree -type f -print0 | sort -z | xargs -0 -n1 echo got
t grep
grep -c root /etc/passwd; grep -Po '(?<=o)o\w' /etc/passwd | head -1; grep -rl 3 tree; echo 'a.b' | grep -F .
t sed-awk
seq 10 | sed -n '2~3p'; seq 5 | awk '{ a[NR] = $1 } END { for (i = NR; i; i--) printf "%s ", a[i]; print "" }'
t tar
tar -cf a.tar tree && tar -tf a.tar | sort; mkdir out && tar -xf a.tar -C out && diff -r tree out/tree && echo same; tar -czf a.tgz tree; tar -xOzf a.tgz tree/a/1; gzip -l a.tgz | wc -l
t date
date -u -d '2024-02-29 +1 year' +%F; date -u -d @86400 '+%s %A %j'; TZ=America/New_York date -d @1700000000 +%H:%M 2>/dev/null
t procps
ps -o pid=,comm= -p $$ | awk '{ print ($1 > 0), $2 }'; sleep 9 & p=$!; for i in {1..100}; do pgrep -x sleep >/dev/null && break; sleep 0.02; done; pgrep -x sleep | grep -cx $p; pkill -x sleep; wait $p; echo $?; free -b | awk '/^Mem/ { print ($2 > 0) }'; uptime | grep -c up; ps -ef | awk -v p=$$ '$2 == p' | wc -l; pidof bash >/dev/null && echo pidof
t users
id; whoami; id -nG nobody; getent passwd root; getent group tty; su nobody -s /bin/sh -c id; chown nobody f && stat -c %U f
t dpkg
dpkg -l bash | awk '/^ii/ { print $2 }'; dpkg -S /bin/bash; dpkg-query -W -f '${Package}\n' coreutils
t env
env -i A=1 /usr/bin/env; printenv HOME >/dev/null && echo home; echo $(($(nice -n 5 nice) - $(nice))); stdbuf -oL echo buffered; nproc >/dev/null && echo nproc; tty; echo "$BASH_VERSION" | cut -d. -f1
t dynamic
ldd /bin/bash | awk '{ print $1 }' | sort; /lib64/ld-linux-x86-64.so.2 /bin/echo by hand; LD_DEBUG=statistics /bin/true 2>&1 | grep -c relocation
cd / && rm -rf /tmp/bash
