#!/usr/bin/env python3
"""Times forward passes of GPT-2 small's size in patchbay and in TransformerLens, side by side.

    cmake --preset bench && cmake --build --preset bench
    python3 bench/peers/compare.py

Makes a virtual environment under build/peers (TransformerLens 2.16.1 and what it needs: some
gigabytes, once), writes a GPT-2 small with made-up weights to a safetensors file that both tools
read, runs the two programs in turn, checks that their logits agree to 1e-3, and prints times,
ratios and memory. Ratios on two threads count only while the two-thread FMA peak is at least 1.8
times the one-thread peak: on a shared machine the second core can be half of the first.
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

    for threads in options.threads:
        ours, theirs = [], []
        for _ in range(options.rounds):
            ours.append(run([options.timing, str(model), str(prompts), str(threads),
                             str(folder / "patchbay.npz")], threads))
            theirs.append(run([python, peer, "time", str(model), str(prompts), str(threads),
                               str(folder / "patchbay.npz")], threads))
        one = statistics.median(p for r in ours for p in r["one_thread_peak"])
        two = statistics.median(p for r in ours for p in r["two_thread_peak"])
        print(f"\n{threads} thread(s), medians of {options.rounds} turns; FMA peak {one:.0f} GFLOP/s "
              f"on one thread, {two:.0f} on two ({two / one:.2f} x)")
        print(f"{'':28} {'patchbay':>10} {'TransformerLens':>16} {'ratio':>7}")
        for case, label in CASES.items():
            mine = statistics.median(r[case] for r in ours) * 1e3
            other = statistics.median(r[case] for r in theirs) * 1e3
            print(f"{label:28} {mine:7.1f} ms {other:13.1f} ms {mine / other:7.2f}")
        print(f"largest difference of logits: {max(r['difference'] for r in theirs):.2g} "
              "(must be below 1e-3)")
        weights = (model / "model.safetensors").stat().st_size / 2**20
        memory = max(r["load_megabytes"] for r in ours)
        print(f"patchbay loads and packs {weights:.0f} MB in "
              f"{statistics.median(r['load'] for r in ours):.2f} s; peak memory {memory:.0f} MB after "
              f"loading (bound {weights * 2.2 + 200:.0f}), "
              f"{max(r['peak_megabytes'] for r in ours):.0f} MB at the end")
        if max(r["difference"] for r in theirs) >= 1e-3:
            sys.exit("the two tools do not agree")


if __name__ == "__main__":
    main()
