#!/usr/bin/env python3
"""Tests of the statistics: `python3 bench/stats_test.py`."""

import random
import unittest

import stats


class Quantile(unittest.TestCase):
    def test_nearest_rank(self):
        samples = list(range(1, 101))
        for percent in range(1, 101):
            self.assertEqual(stats.quantile(samples, percent / 100), percent)
        self.assertEqual(stats.quantile(samples, 0), 1)
        self.assertEqual(stats.quantile([5], 0.99), 5)
        self.assertEqual(stats.quantile([1, 2, 3], 0.5), 2)
        self.assertEqual(stats.quantile([1, 2, 3, 4], 0.5), 2)

    def test_one_outlier_in_fifty_is_in_the_p99(self):
        self.assertEqual(stats.quantile([1] * 49 + [100], 0.99), 100)
        self.assertEqual(stats.quantile([1] * 199 + [100], 0.99), 1)

    def test_covers_the_share_that_it_names(self):
        rng = random.Random(1)
        for _ in range(500):
            samples = [rng.randrange(50) for _ in range(rng.randrange(1, 60))]
            q = rng.random()
            value = stats.quantile(samples, q)
            self.assertIn(value, samples)
            self.assertGreaterEqual(sum(s <= value for s in samples), q * len(samples) - 1e-6)
            self.assertLess(sum(s < value for s in samples), max(q * len(samples), 1e-9) + 1e-6)

    def test_refuses_nothing(self):
        with self.assertRaises(ValueError):
            stats.quantile([], 0.5)
        with self.assertRaises(ValueError):
            stats.quantile([1], 1.5)


class Median(unittest.TestCase):
    def test_odd_and_even(self):
        self.assertEqual(stats.median([3, 1, 2]), 2)
        self.assertEqual(stats.median([4, 1, 2, 3]), 2.5)
        with self.assertRaises(ValueError):
            stats.median([])


class Targets(unittest.TestCase):
    def test_cut(self):
        self.assertAlmostEqual(stats.cut(12_000, 85), 0.9929, 4)
        self.assertEqual(stats.cut(10, 0), 1)
        self.assertLess(stats.cut(10, 20), 0)
        with self.assertRaises(ValueError):
            stats.cut(0, 0)

    def test_operators(self):
        for op, value, is_met in [(">=", 2, True), (">=", 1.9, False), ("<=", 2, True), ("<=", 2.1, False),
                                  ("<", 2, False), ("<", 1.9, True), ("==", 2, True), ("==", 1, False)]:
            self.assertIs(stats.target("k", op, 2, {"k": value})["ok"], is_met, (op, value))

    def test_exit_code(self):
        met = stats.target("a", "<=", 1, {"a": 0})
        missed = stats.target("a", "<=", 1, {"a": 2})
        absent = stats.target("b", "<=", 1, {}, "no filter yet")
        self.assertIsNone(absent["ok"])
        self.assertEqual(absent["reason"], "no filter yet")
        self.assertEqual(stats.exit_code([met, met]), 0)
        self.assertEqual(stats.exit_code([met, absent]), 2)
        self.assertEqual(stats.exit_code([absent, missed]), 1)
        self.assertEqual(stats.exit_code([]), 2)


if __name__ == "__main__":
    unittest.main()
