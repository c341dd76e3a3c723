"""What compare.py takes for a regression and what for noise."""
import unittest

import chart
import compare


def result(repeats=5, **rows):
    """A result of these rows: NAME=(native runs, kvm runs)."""
    def cell(runs):
        return {"runs": runs, "ns": min(runs)} if runs else {"why": "it could not"}
    return {"repeats": repeats, "engines": {"kvm": None},
            "rows": {row: {"native": cell(native), "kvm": cell(kvm)} for row, (native, kvm) in rows.items()}}


QUIET = [100, 101, 101, 102, 103]


class Compare(unittest.TestCase):
    def test_nothing_has_changed(self):
        text, slower = compare.lines(result(read=(QUIET, QUIET)), result(read=(QUIET, QUIET)))
        self.assertFalse(slower)
        self.assertEqual(len(text), 1)

    def test_a_quiet_row_that_became_slower_is_told(self):
        text, slower = compare.lines(result(read=(QUIET, QUIET)), result(read=(QUIET, [ns * 1.2 for ns in QUIET])))
        self.assertTrue(slower)
        self.assertIn("SLOWER read on kvm: 1.20 times", text[1])

    def test_within_the_tolerance_is_no_regression(self):
        _, slower = compare.lines(result(read=(QUIET, QUIET)), result(read=(QUIET, [ns * 1.08 for ns in QUIET])))
        self.assertFalse(slower)

    def test_a_noisy_row_may_move_as_far_as_its_noise(self):
        noisy = [100, 140, 150, 160, 170]
        later = [ns * 1.3 for ns in QUIET]
        _, slower = compare.lines(result(read=(QUIET, noisy)), result(read=(QUIET, later)))
        self.assertFalse(slower)

    def test_a_slower_machine_is_no_regression(self):
        later = [ns * 2 for ns in QUIET]
        _, slower = compare.lines(result(read=(QUIET, QUIET), write=(QUIET, QUIET)),
                                  result(read=(later, later), write=(later, later)))
        self.assertFalse(slower)

    def test_but_one_that_hides_it_does_not(self):
        later = [ns * 2 for ns in QUIET]
        _, slower = compare.lines(result(read=(QUIET, QUIET), write=(QUIET, QUIET)),
                                  result(read=(later, later), write=(later, [ns * 3 for ns in QUIET])))
        self.assertTrue(slower)

    def test_what_became_faster_is_told_too(self):
        text, slower = compare.lines(result(read=(QUIET, QUIET)), result(read=(QUIET, [ns / 2 for ns in QUIET])))
        self.assertFalse(slower)
        self.assertIn("faster read on kvm: 0.50 times", text[1])

    def test_rows_without_figures_are_left_out(self):
        text, slower = compare.lines(result(read=(QUIET, None)), result(read=(QUIET, QUIET), new=(QUIET, QUIET)))
        self.assertFalse(slower)
        self.assertIn("compared: 0 figures", text[0])

    def test_too_few_runs_tell_nothing(self):
        for old, new in ((3, 5), (5, 3)):
            with self.assertRaises(compare.TooFew):
                compare.lines(result(old, read=(QUIET, QUIET)), result(new, read=(QUIET, QUIET)))


class Chart(unittest.TestCase):
    def test_bars_begin_at_once_native_and_are_logarithmic(self):
        self.assertAlmostEqual(chart.at(10) - chart.at(1), chart.at(1) - chart.at(0.1))
        self.assertEqual(chart.at(1e9), chart.at(chart.MOST))

    def test_a_bar_per_figure(self):
        picture = chart.draw(result(read=(QUIET, QUIET), odd=(QUIET, None), none=(None, QUIET))["rows"], ["kvm"])
        self.assertEqual(picture.count("<title>"), 1)
        self.assertIn("read, kvm: 1.00 times, 100 ns", picture)
        self.assertNotIn(">none<", picture)


if __name__ == "__main__":
    unittest.main()
