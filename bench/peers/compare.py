#!/usr/bin/env python3
"""Times forward passes of GPT-2 small's size in patchbay and in TransformerLens, side by side.

    cmake --preset bench && cmake --build --preset bench
    python3 bench/peers/compare.py

Makes a virtual environment under build/peers (TransformerLens 2.16.1 and what it needs: some
gigabytes, once), writes a GPT-2 small with made-up weights to a safetensors file that both tools
read, runs the two programs in turn, checks that their logits agree to 1e-3, and prints times,
ratios and memory beside the bounds that patchbay is to keep. Times on two threads count only while
the two-thread FMA peak is at least 1.8 times the one-thread peak: on a shared machine the second core
can be half of the first. The exit code is 1 when a bound that counts is missed.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGES = ["transformer-lens==2.16.1", "transformers>=4.51,<4.57", "pyarrow<19", "datasets<4"]
CASES = {
    "one_last": "1 x 14, last-token logits",
    "one_all": "1 x 14, all logits",
    "ten_last": "10 x 14, last-token logits",
    "ten_all": "10 x 14, all logits",
}

RATIO_BOUNDS = {"one_last": 0.36, "one_all": 0.45, "ten_last": 0.52, "ten_all": 0.74}
RATIO_BOUNDS_AVX512 = {**RATIO_BOUNDS, "one_last": 0.30, "one_all": 0.36}
LOAD_SECONDS_BOUND = 1.5
TWO_THREADS_COUNT_FROM = 1.8  # times the one-thread FMA peak
LARGEST_DIFFERENCE = 1e-3


def median(turns, key):
    return statistics.median(turn[key] for turn in turns)


def peaks(ours):
    """GFLOP/s of fused multiply-adds on one thread and on two."""
    return [statistics.median(peak for turn in ours for peak in turn[key])
            for key in ("one_thread_peak", "two_thread_peak")]


def ratio_bounds(target):
    """Of patchbay's time to TransformerLens's; "AVX3" is what Highway calls AVX-512."""
    return RATIO_BOUNDS_AVX512 if target.startswith("AVX3") else RATIO_BOUNDS


def verdict(value, bound):
    return "met" if value <= bound else "missed"


def report(threads, ours, theirs, weights):
    """Lines that compare the turns of both tools, and what was missed of what counts. `weights`: MB."""
    one, two = peaks(ours)
    times_count = threads == 1 or two / one >= TWO_THREADS_COUNT_FROM
    lines = [f"{threads} thread(s), medians of {len(ours)} turns on {ours[0]['target']}; FMA peak "
             f"{one:.0f} GFLOP/s on one thread, {two:.0f} on two ({two / one:.2f} x)"]
    if not times_count:
        lines.append(f"The two-thread peak is below {TWO_THREADS_COUNT_FROM} times the one-thread "
                     "peak: these times do not count.")
    missed = []

    def judged(label, value, bound, counts):
        result = verdict(value, bound)
        if result == "missed" and counts:
            missed.append(f"{label} on {threads} thread(s)")
        return result if counts else f"{result} (does not count)"

    lines.append(f"{'':28} {'patchbay':>10} {'TransformerLens':>16} {'ratio':>7} {'bound':>7}")
    bounds = ratio_bounds(ours[0]["target"])
    for case, label in CASES.items():
        mine, other = median(ours, case), median(theirs, case)
        ratio = mine / other
        lines.append(f"{label:28} {mine * 1e3:7.1f} ms {other * 1e3:13.1f} ms {ratio:7.2f} "
                     f"{bounds[case]:7.2f}  {judged(label, ratio, bounds[case], times_count)}")
    load = median(ours, "load")
    lines.append(f"{f'loading {weights:.0f} MB':28} {load:8.2f} s {'':16} {'':7} "
                 f"{LOAD_SECONDS_BOUND:5.1f} s  "
                 f"{judged('loading', load, LOAD_SECONDS_BOUND, times_count)}")
    memory, most = max(turn["load_megabytes"] for turn in ours), weights * 2.2 + 200
    lines.append(f"{'peak memory after loading':28} {memory:7.0f} MB {'':16} {'':7} {most:4.0f} MB  "
                 f"{judged('memory', memory, most, True)}")
    lines.append(f"peak memory at the end: {max(turn['peak_megabytes'] for turn in ours):.0f} MB")
    difference = max(turn["difference"] for turn in theirs)
    lines.append(f"largest difference of logits: {difference:.2g} (must be below "
                 f"{LARGEST_DIFFERENCE:g})")
    if not difference < LARGEST_DIFFERENCE:
        missed.append(f"the same logits on {threads} thread(s)")
    return lines, missed


def environment(folder):
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    return str(python)


def run(command, threads):
    settings = dict(os.environ, OMP_NUM_THREADS=str(threads), HF_HUB_OFFLINE="1",
                    TRANSFORMERS_OFFLINE="1")
    output = subprocess.run(command, check=True, env=settings, stdout=subprocess.PIPE).stdout
    return json.loads(output.decode().strip().splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--timing", default=str(ROOT / "build/bench/bench/patchbay_forward_timing"))
    parser.add_argument("--folder", default=str(ROOT / "build/peers"), help="where files are made")
    parser.add_argument("--venv", help="an environment that has the packages already")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3, help="turns of each tool")
    options = parser.parse_args()

    folder = pathlib.Path(options.folder)
    folder.mkdir(parents=True, exist_ok=True)
    python = environment(pathlib.Path(options.venv) if options.venv else folder / "venv")
    peer = str(ROOT / "bench/peers/transformer_lens_timing.py")
    model, prompts = folder / "gpt2-small-made-up", folder / "prompts.json"
    if not (model / "model.safetensors").exists():
        subprocess.run([python, peer, "write", str(model), str(prompts)], check=True)

    weights = (model / "model.safetensors").stat().st_size / 2**20
    missed = []
    for threads in options.threads:
        ours, theirs = [], []
        for _ in range(options.rounds):
            ours.append(run([options.timing, str(model), str(prompts), str(threads),
                             str(folder / "patchbay.npz")], threads))
            theirs.append(run([python, peer, "time", str(model), str(prompts), str(threads),
                               str(folder / "patchbay.npz")], threads))
        lines, missed_here = report(threads, ours, theirs, weights)
        print("\n" + "\n".join(lines), flush=True)
        missed += missed_here
    if missed:
        sys.exit("\nmissed: " + "; ".join(missed))


if __name__ == "__main__":
    main()
