#!/usr/bin/env python3
"""Times whole sweeps of activation and path patching in patchbay and in TransformerLens, side by side.

    cmake --preset bench && cmake --build --preset bench
    python3 bench/peers/compare_patching.py

A GPT-2 small with made-up weights, 10 prompts of 14 tokens, as for compare.py. The sweeps: the
walkthrough's 144 heads (denoising, three corrupted tokens), resid_pre at 12 layers x 14 positions,
and the lab's 144 heads (noising, one corrupted token); path patching from 144 heads at END to the
logits, and from the 120 heads below layer 10 to the queries of 9.9, 9.6 and 10.0 at END.
TransformerLens runs one batched pass for each patch (two for a path to queries, all z frozen in the
first), and once more the walkthrough as it is written, three passes for each head. patchbay's work is
what its products computed, and its rate that by time, beside the FMA peak measured around it. Both
tools' mean logit differences must agree to 1e-3. The exit code is 1 when a bound is missed.
"""
import argparse
import pathlib
import statistics
import subprocess
import sys

from compare import ROOT, environment, run

CASES = {  # of TransformerLens's sweeps: patchbay's, and the least ratio of their times
    "walkthrough_as_written": ("walkthrough", 12.0),
    "walkthrough": ("walkthrough", 4.5),
    "resid_pre": ("resid_pre", 9.5),
    "lab_heads": ("lab_heads", 11.0),
    "paths_to_logits": ("paths_to_logits", 45.0),
    "paths_to_queries": ("paths_to_queries", 70.0),
}
LIMITED_BY_ARITHMETIC = {"walkthrough", "resid_pre", "lab_heads"}
LEAST_SHARE_OF_PEAK = 0.75
LARGEST_DIFFERENCE = 1e-3


def report(ours, theirs):
    lines = [f"{'':24} {'patchbay':>9} {'TransformerLens':>16} {'ratio':>7} {'bound':>7}"]
    missed = []
    for case, (mine, bound) in CASES.items():
        seconds = statistics.median(turn[mine]["seconds"] for turn in ours)
        other = statistics.median(turn[case]["seconds"] for turn in theirs)
        ratio = other / seconds
        lines.append(f"{case:24} {seconds:7.2f} s {other:14.1f} s {ratio:7.1f} {bound:7.1f}  "
                     f"{'met' if ratio >= bound else 'missed'}")
        missed += [case] if ratio < bound else []
    lines.append(f"{'':24} {'work':>12} {'rate':>14} {'FMA peak':>14} {'share':>7}")
    for case in sorted({mine for mine, _ in CASES.values()}):
        work = ours[0][case]["gigaflop"]
        rate = statistics.median(turn[case]["gigaflop"] / turn[case]["seconds"] for turn in ours)
        peak = statistics.median(turn[case]["peak"] for turn in ours)
        share = statistics.median(turn[case]["gigaflop"] / turn[case]["seconds"] /
                                  turn[case]["peak"] for turn in ours)
        judged = case in LIMITED_BY_ARITHMETIC
        is_met = share >= LEAST_SHARE_OF_PEAK
        lines.append(f"{case:24} {work:8.0f} GFLOP {rate:7.0f} GFLOP/s {peak:6.0f} GFLOP/s "
                     f"{share:7.2f}  {('met' if is_met else 'missed') if judged else ''}".rstrip())
        missed += [f"rate of {case}"] if judged and not is_met else []
    difference = max(case["difference"] for turn in theirs for case in turn.values())
    lines.append(f"largest difference of mean logit differences: {difference:.2g}")
    lines.append(f"patchbay's peak memory: {max(t['peak_megabytes'] for t in ours):.0f} MB, of which "
                 f"{max(t['loaded_megabytes'] for t in ours):.0f} MB were there after loading")
    missed += [] if difference < LARGEST_DIFFERENCE else ["the same numbers"]
    return lines, missed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--timing", default=str(ROOT / "build/bench/bench/patchbay_patching_timing"))
    parser.add_argument("--folder", default=str(ROOT / "build/peers"), help="where files are made")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=1, help="turns of each tool")
    options = parser.parse_args()

    folder = pathlib.Path(options.folder)
    folder.mkdir(parents=True, exist_ok=True)
    python = environment(folder / "venv")
    peer = str(ROOT / "bench/peers/transformer_lens_timing.py")
    model, prompts = folder / "gpt2-small-made-up", folder / "prompts.json"
    if not (model / "model.safetensors").exists():
        subprocess.run([python, peer, "write", str(model), str(prompts)], check=True)
    ours, theirs = [], []
    for _ in range(options.rounds):
        arguments = [str(model), str(prompts), str(options.threads), str(folder / "patched.npz")]
        # patchbay before and after the other, which takes minutes: the machine may change meanwhile.
        ours.append(run([options.timing, *arguments], options.threads))
        theirs.append(run([python, peer, "patch", *arguments], options.threads))
        ours.append(run([options.timing, *arguments], options.threads))
    lines, missed = report(ours, theirs)
    print(f"{options.threads} thread(s), {options.rounds} round(s)\n" + "\n".join(lines))
    if missed:
        sys.exit("\nmissed: " + "; ".join(missed))


if __name__ == "__main__":
    main()
