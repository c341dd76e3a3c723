# daemon.sh BIN ARCHIVE MACHINE: a daemon of this script's own launches a guest that is a domain, and does with it what it
# does with any; run by with-libvirtd. Prints what differs from what is promised; status 0 when nothing does.
set -euo pipefail
bin=$1 archive=$2 machine=$3
state=$(mktemp -d /tmp/astra-daemon-XXXXXX)
"$bin/astrad" --state "$state" >"$state/log" 2>&1 &
pid=$!
trap 'kill "$pid"; wait "$pid" || true; rm -rf "$state"' EXIT
export ASTRA_HOST=$state/astra.sock
for _ in $(seq 100); do [ -S "$ASTRA_HOST" ] && break; sleep 0.1; done

bad=0
# expect WANTED WHAT: the last command's output, in $said, contains it.
expect() {
    case "$said" in *"$1"*) ;; *) echo "$2: '$1' is not in: $said"; bad=1 ;; esac
}
"$bin/astra" launch --name web --engine "$ASTRA_TEST_ENGINE" --machine "$machine" --rootfs "$archive" \
    sh -c 'echo up; exec sleep 100' >/dev/null
for _ in $(seq 300); do
    said=$("$bin/astra" logs web)
    [ "$said" != up ] || break
    sleep 0.1
done
expect up "logs"
said=$("$bin/astra" ps); expect libvirt "ps"; expect running "ps"
said=$(virsh -q list); expect running "virsh list"
said=$("$bin/astra" exec web sh -c 'echo from within; exit 4') && status=0 || status=$?
expect "from within" "exec"
said=$status; expect 4 "exec's status"
"$bin/astra" pause web >/dev/null
said=$(virsh -q list); expect paused "virsh list of a paused guest"
"$bin/astra" resume web >/dev/null
said=$(virsh -q list); expect running "virsh list of a resumed guest"
"$bin/astra" kill web >/dev/null
for _ in $(seq 100); do
    said=$("$bin/astra" ps --all)
    case "$said" in *killed*) break ;; esac
    sleep 0.1
done
expect "the guest was killed" "ps of a killed guest"
"$bin/astra" rm web >/dev/null
exit "$bad"
