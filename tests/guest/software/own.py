"""own.py MODULE...: runs modules of Python's own tests, each in an interpreter of its own, one line per test:
"module.Class.test: passed | failed | skipped". What failed is explained on stderr, where the tests' output goes too."""
import os
import resource
import subprocess
import sys
import tempfile
import unittest


# What tests print themselves goes to stderr.
VERDICTS = os.fdopen(os.dup(1), "w")


class Lines(unittest.TestResult):
    """Prints each test's verdict as it ends; subtests that fail, fail their test."""

    def startTest(self, test):
        super().startTest(test)
        self.verdict = "passed"

    def stopTest(self, test):
        super().stopTest(test)
        print(f"{test.id().removeprefix('test.')}: {self.verdict}", file=VERDICTS, flush=True)

    def explain(self, test, error):
        self.verdict = "failed"
        print(f"-- {test.id()}\n{self._exc_info_to_string(error, test)}", file=sys.stderr, flush=True)

    def addFailure(self, test, error):
        self.explain(test, error)
        if not isinstance(test, unittest.TestCase):  # setUpClass, setUpModule
            print(f"{test.id()}: failed", file=VERDICTS, flush=True)

    addError = addFailure

    def addSubTest(self, test, subtest, error):
        if error is not None:
            self.explain(subtest, error)

    def addSkip(self, test, reason):
        if self.verdict == "passed":
            self.verdict = "skipped"

    def addExpectedFailure(self, test, error):
        pass

    def addUnexpectedSuccess(self, test):
        self.verdict = "failed"


def main(modules):
    if len(modules) > 1:
        for module in modules:
            status = subprocess.run([sys.executable, __file__, module], stdin=subprocess.DEVNULL).returncode
            print(f"{module}: exit status {status}", flush=True)
        return
    os.dup2(2, 1)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 4096))  # how many there may be decides what some tests do
    os.chdir(tempfile.mkdtemp())
    suite = unittest.defaultTestLoader.loadTestsFromName(f"test.{modules[0]}")
    suite.run(Lines())


if __name__ == "__main__":
    main(sys.argv[1:])
