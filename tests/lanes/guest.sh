# For the lanes that run programs in guests: sourced, with ASTRA_ROOT, ASTRA_BUILD and ASTRA_TALLY set.
# Builds the test images once; every lane uses the same.

# guest_images NAME…: paths of the TARs in $ASTRA_BUILD/rootfs.
guest_images() {
    "$ASTRA_ROOT/tests/guest/rootfs/build" "$@" >/dev/null
}

# oracle LANE RUNNER [OPTIONS]: the oracle suites, guests started by RUNNER (with --rootfs {tar}) with the CPUs and
# memory that the suite wants. Adds to the tally.
oracle() {
    local lane=$1 runner=${2/ --rootfs/ --cpus {cpus\} --memory {memory\} --rootfs}
    shift 2
    env --default-signal=INT,QUIT,HUP "$ASTRA_ROOT/tests/guest/run-oracle" --lane "$lane" --runner "$runner" --rootfs "$ASTRA_BUILD/rootfs" "$@" |
        grep -v '^passed' || return 0
}

# counts LANE RUNNER: numbers of system calls in guests against strace's on Linux. Adds to the tally.
counts() {
    # Shells make other calls when they inherit ignored signals.
    env --default-signal=INT,QUIT,HUP "$ASTRA_ROOT/tests/guest/compare-counts" --lane "$1" --runner "$2" || return 0
}

# spec_abi LANE RUNNER: the specification's own numbers and structs, in a program branded for them.
spec_abi() {
    local lane=$1 runner=$2 tar=$ASTRA_BUILD/rootfs/spec_abi.tar log=$ASTRA_BUILD/$1-spec_abi.log
    mkdir -p "$ASTRA_BUILD/rootfs"
    tar -C "$ASTRA_BUILD/programs" -cf "$tar" spec_abi
    timeout 120 ${runner//\{tar\}/$tar} /spec_abi >"$log" 2>&1 </dev/null || true
    grep '^FAIL' "$log" || true
    local passed failed
    passed=$(grep -c '^ok' "$log" || true)
    failed=$(grep -c '^FAIL' "$log" || true)
    grep -q '^spec_abi: passed' "$log" || { failed=$((failed + 1)); tail -n 5 "$log"; }
    echo "$lane spec_abi: $passed passed, $failed failed, 0 skipped"
    [ -z "${ASTRA_TALLY:-}" ] || echo "$passed $failed 0" >>"$ASTRA_TALLY"
}

# runtime LANE RUNNER TAR: the C++ runtime's test programs, every /bin/rt_NAME of the image. Adds to the tally.
runtime() {
    local lane=$1 runner=$2 tar=$3 log=$ASTRA_BUILD/$1-runtime.log program passed failed
    : >"$log"
    for program in $(tar -tf "$tar" | sed -n 's|^\./bin/\(rt_[a-z_]*\)$|\1|p'); do
        timeout 120 ${runner//\{tar\}/$tar} "/bin/$program" >"$log.one" 2>&1 </dev/null || true
        grep -a -q "^$program: \(passed\|FAILED\)" "$log.one" || { tail -n 5 "$log.one"; echo "FAIL $program did not end" >>"$log.one"; }
        cat "$log.one" >>"$log"
    done
    rm -f "$log.one"
    grep -a -A 1 '^FAIL' "$log" || true
    passed=$(grep -a -c '^ok' "$log" || true)
    failed=$(grep -a -c '^FAIL' "$log" || true)
    [ "$passed" -gt 0 ] || failed=$((failed + 1))
    echo "$lane runtime: $passed passed, $failed failed, 0 skipped"
    [ -z "${ASTRA_TALLY:-}" ] || echo "$passed $failed 0" >>"$ASTRA_TALLY"
}

# storms LANE RUNNER: the kernel under load on 1, 2 and 4 CPUs, and what it has lost afterwards (guest/storms). RUNNER has
# {cpus} beside {tar}. Adds to the tally.
storms() {
    local lane=$1 runner=$2 tar=$ASTRA_BUILD/rootfs/storms.tar log=$ASTRA_BUILD/$1-storms.log cpus program passed failed
    : >"$log"
    for cpus in 1 2 4; do
        runner=${2//\{tar\}/$tar}
        for program in $(tar -tf "$tar" | sed -n 's|^\./bin/\([a-z_]*\)$|\1|p'); do
            echo "== $program on $cpus" >>"$log"
            timeout 180 ${runner//\{cpus\}/$cpus} "/bin/$program" >"$log.one" 2>&1 </dev/null || true
            grep -q "^$program: \(passed\|FAILED\)" "$log.one" || echo "FAIL $program on $cpus CPUs did not end" >>"$log.one"
            cat "$log.one" >>"$log"
        done
    done
    rm -f "$log.one"
    grep '^FAIL' "$log" || true
    passed=$(grep -c '^ok' "$log" || true)
    failed=$(grep -c '^FAIL' "$log" || true)
    echo "$lane storms: $passed passed, $failed failed, 0 skipped"
    [ -z "${ASTRA_TALLY:-}" ] || echo "$passed $failed 0" >>"$ASTRA_TALLY"
}

# network LANE ENGINE: network programs of Debian in guests against this host's. Adds to the tally.
network() {
    "$ASTRA_ROOT/tests/guest/network/run" --lane "$1" --engine "$2" --astra "$ASTRA_BUILD/bin/astra" \
        --tar "$ASTRA_BUILD/rootfs/network.tar" ${ASTRA_LONG:+--long} </dev/null | grep -v '^passed' || return 0
}
