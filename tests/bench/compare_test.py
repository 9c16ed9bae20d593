"""What bench/peers/compare.py says of measurements: python3 compare_test.py REPOSITORY"""

import importlib.util
import pathlib
import sys
import unittest

REPOSITORY = pathlib.Path()


def compare():
    path = REPOSITORY / "bench" / "peers" / "compare.py"
    spec = importlib.util.spec_from_file_location("compare", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def ours(**changes):
    """A turn of patchbay that takes a second for everything."""
    turn = {case: {"seconds": 1.0} for case in compare().CASES if case != "walkthrough_as_written"}
    for case in ("walkthrough", "lab_heads", "lab_residual", "paths_to_logits", "paths_to_queries"):
        turn[case] |= {"gigaflop": 150.0, "peak": 200.0}
    return {**turn, "one_thread_peak": 100.0, "target": "AVX2", "loaded_megabytes": 1000, "peak_megabytes": 2000, **changes}


def theirs(seconds=100.0, difference=1e-6, without=()):
    module = compare()
    cases = [case for case in module.CASES if case not in module.PEER_CASE and case not in without]
    turn = {case: {"seconds": seconds, "difference": difference} for case in cases}
    del turn["load"]["difference"]
    return {**turn, "loaded_megabytes": 3000, "peak_megabytes": 4000}


class Report(unittest.TestCase):
    def report(self, mine, other, threads=2, model="gpt2-small-made-up", tool="TransformerLens 2.16.1"):
        lines, missed = compare().report(model, threads, {"patchbay": [mine] * 3, tool: [other] * 3})
        return "\n".join(lines), missed

    def test_a_ratio_is_how_many_times_faster_patchbay_is(self):
        text, missed = self.report(ours(), theirs())
        self.assertEqual(missed, [])
        self.assertIn("| load | 1.00 s | 100.0 s, 100.0 × |  |", text)
        self.assertIn("| the walkthrough as written | 1.00 s | 100.0 s, 100.0 × | 1.0e-06 |", text)
        self.assertIn("| most memory | 2,000 MB | 4,000 MB | |", text)
        self.assertIn("| 150 GFLOP | 150 GFLOP/s | 0.75 |", text)
        self.assertNotIn("faster", text)

    def test_a_faster_peer_is_marked(self):
        text, _ = self.report(ours(), theirs(seconds=0.5))
        self.assertIn("500 ms, 0.5 × **faster**", text)

    def test_what_a_tool_does_not_do_has_a_dash(self):
        text, missed = self.report(ours(), theirs(without=("run_with_cache", "walkthrough_as_written")))
        self.assertIn("| run_with_cache 10 × 14 | 1.00 s | – |  |", text)
        self.assertEqual(missed, [])

    def test_bounds_are_of_one_tool_on_one_model(self):
        self.assertEqual(len(self.report(ours(), theirs(seconds=1.0))[1]), len(compare().BOUNDS))
        self.assertEqual(self.report(ours(), theirs(seconds=1.0), tool="PyTorch")[1], [])
        self.assertEqual(self.report(ours(), theirs(seconds=1.0), model="smollm2")[1], [])
        _, missed = self.report(ours(lab_heads={"seconds": 10.0, "gigaflop": 1.0, "peak": 1.0}), theirs())
        self.assertEqual(missed, ["the lab's heads, 20 prompts: 10.0 times as fast as TransformerLens 2.16.1, not 11"])

    def test_times_on_a_poor_second_core_do_not_count(self):
        slow = ours(one_thread_peak=112.0)
        text, missed = self.report(slow, theirs(seconds=1.0))
        self.assertEqual(missed, [])
        self.assertIn("too slow for times to be judged", text)
        self.assertNotEqual(self.report(slow, theirs(seconds=1.0), threads=1)[1], [])

    def test_other_numbers_are_missed(self):
        for difference in (1e-3, float("nan")):
            missed = self.report(ours(), theirs(difference=difference))[1]
            self.assertEqual(len(missed), 11)
            self.assertIn("the numbers differ", missed[0])


if __name__ == "__main__":
    REPOSITORY = pathlib.Path(sys.argv[1]).resolve()
    unittest.main(argv=sys.argv[:1])
