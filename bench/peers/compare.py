#!/usr/bin/env python3
"""patchbay beside TransformerLens 2 and 4, PyTorch and nnsight: the same work on the same weights, one table.

    cmake --preset bench && cmake --build --preset bench
    export PATCHBAY_SMOLLM2_GGUF=$(scripts/fetch_smollm2.sh)
    python3 bench/peers/compare.py

Makes an environment for each tool under build/peers (some twenty gigabytes, once) and two models that all
read: GPT-2 small's sizes with made-up weights, and SmolLM2-135M. Then the tools take turns: each turn is a
process of its own that loads the model, runs work.py's cases and compares its numbers with patchbay's. Prints
medians over the turns and how many times faster patchbay is; below 1, the other tool is faster, and is marked.

A patch is one whole pass in the other tools, so their sweeps are measured on every eighth patch and multiplied
(--every 1 runs all); patchbay runs all. Memory is the most that a process had; its size on disk is that of what
has to be installed beside Python, or for patchbay all that `cmake --install` writes.

The exit code is 1 when numbers differ by more than 1e-3, or a bound of patchbay's beside TransformerLens
2.16.1 on GPT-2 small's sizes is missed that counts: times on two threads count while two threads reach 1.8 times
the multiply-adds of one.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
ENVIRONMENTS = {
    "transformer_lens_2": ["transformer-lens==2.16.1", "transformers>=4.51,<4.57", "pyarrow<19", "datasets<4", "gguf"],
    "transformer_lens_4": ["transformer-lens>=4,<5"],
    "nnsight": ["nnsight", "transformers"],
}
TOOLS = {  # in the order of the columns: the environment and the module
    "TransformerLens 2.16.1": ("transformer_lens_2", "transformer_lens_timing"),
    "TransformerLens 4": ("transformer_lens_4", "transformer_lens_timing"),
    "PyTorch": ("transformer_lens_4", "pytorch_timing"),
    "nnsight": ("nnsight", "nnsight_timing"),
}
CASES = {
    "load": "load",
    "forward_1": "forward 1 × 14, all logits",
    "forward_1_last": "forward 1 × 14, last-token logits",
    "forward_10": "forward 10 × 14, all logits",
    "forward_10_last": "forward 10 × 14, last-token logits",
    "run_with_cache": "run_with_cache 10 × 14",
    "walkthrough": "the walkthrough's heads, a pass each",
    "walkthrough_as_written": "the walkthrough as written",
    "lab_heads": "the lab's heads, 20 prompts",
    "lab_residual": "the lab's residual stream, 20 prompts",
    "paths_to_logits": "paths from heads to the logits",
    "paths_to_queries": "paths from heads to queries",
}
# The same work of patchbay's under another name, or of the others', which know one kind of pass.
PATCHBAY_CASE = {"walkthrough_as_written": "walkthrough"}
PEER_CASE = {"forward_1_last": "forward_1", "forward_10_last": "forward_10"}
MODELS = {"gpt2-small-made-up": "GPT-2 small's sizes, made-up weights", "smollm2": "SmolLM2-135M"}
LARGEST_DIFFERENCE = 1e-3
TWO_THREADS_COUNT_FROM = 1.8
BOUNDED = ("gpt2-small-made-up", "TransformerLens 2.16.1")
BOUNDS = {  # least times as fast, on BOUNDED
    "forward_1_last": 2.7, "forward_1": 2.2, "forward_10_last": 1.9, "forward_10": 1.35,
    "walkthrough_as_written": 12.0, "walkthrough": 4.5, "lab_heads": 11.0,
    "paths_to_logits": 45.0, "paths_to_queries": 70.0,
}


def median(turns, case, key="seconds"):
    """Of the turns that have the case; None where none has."""
    values = [turn[case][key] for turn in turns if case in turn]
    return statistics.median(values) if values else None


def shown(seconds):
    return f"{seconds * 1e3:.0f} ms" if seconds < 1 else f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"


def two_threads_over_one(ours):
    return median(ours, "walkthrough", "peak") / statistics.median(turn["one_thread_peak"] for turn in ours)


def report(model, threads, turns):
    """Lines of Markdown about one model, and what was missed. `turns`: for each tool, what its processes printed."""
    ours = turns["patchbay"]
    others = [tool for tool in turns if tool != "patchbay"]
    scaling = two_threads_over_one(ours)
    counts = threads == 1 or scaling >= TWO_THREADS_COUNT_FROM
    lines = [f"### {MODELS[model]}, {threads} thread(s), medians of {len(ours)} turns on {ours[0]['target']}", "",
             f"| | patchbay | {' | '.join(others)} | largest difference |", f"|---{'|---' * (len(others) + 2)}|"]
    missed = []
    for case, label in CASES.items():
        mine = median(ours, PATCHBAY_CASE.get(case, case))
        cells, differences = [], []
        for tool in others:
            peer = PEER_CASE.get(case, case)
            theirs = median(turns[tool], peer)
            if theirs is None:
                cells.append("–")
                continue
            ratio = theirs / mine
            cells.append(f"{shown(theirs)}, {ratio:.1f} ×" + (" **faster**" if ratio < 1 else ""))
            differences += [turn[peer]["difference"] for turn in turns[tool] if "difference" in turn[peer]]
            bound = BOUNDS.get(case) if (model, tool) == BOUNDED else None
            if bound is not None and counts and ratio < bound:
                missed.append(f"{label}: {ratio:.1f} times as fast as {tool}, not {bound:g}")
        worst = max(differences, default=None)
        if worst is not None and not worst < LARGEST_DIFFERENCE:  # also for NaN
            missed.append(f"{label}: the numbers differ by {worst:.2g}")
        lines.append(f"| {label} | {shown(mine)} | {' | '.join(cells)} | {'' if worst is None else f'{worst:.1e}'} |")
    for key, label in (("loaded_megabytes", "memory after loading"), ("peak_megabytes", "most memory")):
        cells = [f"{max(turn[key] for turn in turns[tool]):,.0f} MB" for tool in ["patchbay", *others]]
        lines.append(f"| {label} | {' | '.join(cells)} | |")
    lines += ["", f"FMA peak {median(ours, 'walkthrough', 'peak'):.0f} GFLOP/s, {scaling:.2f} × that of one thread.", ""]
    if not counts:
        lines += ["The second thread was too slow for times to be judged.", ""]
    lines += ["| patchbay | work | rate | share of the FMA peak |", "|---|---|---|---|"]
    for case in CASES:
        if any("gigaflop" in turn.get(case, {}) for turn in ours):
            rates = [turn[case]["gigaflop"] / turn[case]["seconds"] for turn in ours]
            shares = [rate / turn[case]["peak"] for rate, turn in zip(rates, ours)]
            lines.append(f"| {CASES[case]} | {ours[0][case]['gigaflop']:,.0f} GFLOP | {statistics.median(rates):.0f} "
                         f"GFLOP/s | {statistics.median(shares):.2f} |")
    return lines, missed


def environment(folder, packages):
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *packages], check=True)
    return str(python)


def run(command, threads):
    settings = dict(os.environ, OMP_NUM_THREADS=str(threads), HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1")
    done = subprocess.run(command, check=False, env=settings, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stderr.decode(errors='replace')[-2000:]}")
    return json.loads(done.stdout.decode().strip().splitlines()[-1])


def megabytes(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink()) / 2**20


def install_sizes(folder):
    prefix = folder / "installed"
    subprocess.run(["cmake", "--install", str(ROOT / "build/bench"), "--prefix", str(prefix)], check=True,
                   stdout=subprocess.DEVNULL)
    packages = {name: megabytes(folder / name / "lib") for name in ENVIRONMENTS}
    lines = ["### On disk", "", "| tool | size |", "|---|---|", f"| patchbay, with ioi-small | {megabytes(prefix):,.0f} MB |"]
    return lines + [f"| {tool} | {packages[where]:,.0f} MB |" for tool, (where, _) in TOOLS.items() if tool != "PyTorch"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--timing", default=str(ROOT / "build/bench/bench/patchbay_timing"))
    parser.add_argument("--folder", default=str(ROOT / "build/peers"), help="where environments and models are made")
    parser.add_argument("--models", nargs="+", choices=list(MODELS), default=list(MODELS))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3, help="turns of each tool")
    parser.add_argument("--every", type=int, default=8, help="the others run every so many-th patch")
    options = parser.parse_args()

    folder = pathlib.Path(options.folder)
    folder.mkdir(parents=True, exist_ok=True)
    pythons = {name: environment(folder / name, packages) for name, packages in ENVIRONMENTS.items()}
    here = pathlib.Path(__file__).parent
    if not (folder / "smollm2.json").exists():
        gguf = os.environ.get("PATCHBAY_SMOLLM2_GGUF")
        if not gguf:
            sys.exit("PATCHBAY_SMOLLM2_GGUF is not set; run: export PATCHBAY_SMOLLM2_GGUF=$(scripts/fetch_smollm2.sh)")
        subprocess.run([pythons["transformer_lens_2"], str(here / "make_models.py"), str(folder), gguf], check=True)
    missed = []
    for model in options.models:
        arguments = [str(folder / model), str(folder / f"{model}.json"), str(options.threads), str(folder / f"{model}.npz")]
        turns = {tool: [] for tool in ["patchbay", *TOOLS]}
        for _ in range(options.rounds):
            for tool, (where, module) in TOOLS.items():
                # patchbay before each of the others: a shared machine changes within minutes.
                turns["patchbay"].append(run([options.timing, *arguments], options.threads))
                turns[tool].append(run([pythons[where], str(here / "work.py"), module, *arguments, str(options.every)],
                                       options.threads))
        (folder / f"{model}.turns.json").write_text(json.dumps(turns))
        lines, missed_here = report(model, options.threads, turns)
        print("\n".join(lines) + "\n", flush=True)
        missed += missed_here
    print("\n".join(install_sizes(folder)))
    if missed:
        sys.exit("\nmissed:\n" + "\n".join(missed))


if __name__ == "__main__":
    main()
