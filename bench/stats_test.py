#!/usr/bin/env python3
"""Tests of the statistics and of what is compared: `python3 bench/stats_test.py`."""

import os
import random
import types
import unittest

import peers
import rig
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


class Peers(unittest.TestCase):
    def test_targets_are_those_of_the_servers_that_are_there(self):
        def keys(*given):
            return [key for key, _, _ in peers.targets(types.SimpleNamespace(peer=list(given)))]
        of_npm = ["vs_node_w16", "vs_socketio_w16"]
        self.assertEqual(keys(), of_npm)
        self.assertEqual(keys("yrs=/usr/bin/yrs", "other=ws://127.0.0.1:1,1"), of_npm)
        self.assertEqual(keys("uws=ws://127.0.0.1:1,1"), ["vs_uws_w1", "vs_uws_w16", *of_npm])

    def test_a_peer_is_a_url_and_a_process_that_is_there(self):
        pid = os.getpid()
        (system,) = peers.given(types.SimpleNamespace(peer=["yrs=/usr/bin/yrs", f"centrifugo=ws://127.0.0.1:8000,{pid}"]))
        self.assertEqual((system.name, system.url, system.pid, system.protocol),
                         ("centrifugo", "http://127.0.0.1:8000", pid, "centrifugo"))
        for text in ("uws=ws://127.0.0.1:1", "uws=ws://127.0.0.1:1,999999999", "uws=ws://127.0.0.1:1,x"):
            with self.assertRaises(rig.NotMeasured):
                peers.given(types.SimpleNamespace(peer=[text]))


if __name__ == "__main__":
    unittest.main()
