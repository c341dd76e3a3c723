# Reads ctest's output: prints what failed or was skipped, appends "passed failed skipped" to the file `tally`.
# With strict=1 a skipped test is a failure.
/^ *[0-9]+\/[0-9]+ Test +#[0-9]+:/ {
    if (/ Passed /) passed++
    else if (/\*\*\*Skipped/ || /\*\*\*Not Run \(Disabled\)/) { skipped++; print "SKIPPED: " $0 }
    else { failed++; print "FAILED: " $0 }
}
END {
    if (passed + failed + skipped == 0) { print "FAILED: no tests were found"; failed = 1 }
    if (strict) { failed += skipped; skipped = 0 }
    print passed + 0, failed + 0, skipped + 0 >> tally
    exit failed > 0
}
