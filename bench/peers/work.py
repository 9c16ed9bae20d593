"""The work that bench/peers/compare.py has every Python tool do, and how it is timed.

Run inside a tool's own environment:

    python work.py TOOL MODEL_FOLDER PROMPTS.json THREADS PATCHBAY.npz EVERY

TOOL names a module beside this file (transformer_lens_timing, pytorch_timing, nnsight_timing) with a
class Tool:

    Tool(folder)                     loads a model in Hugging Face's layout
    tool.logits(tokens)              [prompt, position, token] of a plain pass
    tool.run(tokens, edits, record)  a pass in which edits (site, layer, write) change values in place;
                                     (logits, {(site, layer): a copy} of the sites in record)
    tool.cache(tokens)               a pass that keeps every activation, where the tool has that

Sites are "z" and "q", [prompt, position, head, d_head], and "resid_pre", [prompt, position, d_model].
A sweep is one pass for each patch, so its time is measured on every EVERY-th patch and multiplied.
Prints one JSON object; each case's values are compared with those in PATCHBAY.npz, which
patchbay_timing.cpp wrote.
"""
import importlib
import json
import resource
import statistics
import sys
import time

import numpy
import torch


def seconds_of(body):
    begin = time.perf_counter()
    body()
    return time.perf_counter() - begin


def median_seconds(body, runs=7):
    body()
    return statistics.median(seconds_of(body) for _ in range(runs))


def peak_megabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class Work:
    def __init__(self, tool, prompts, every):
        self.tool, self.every = tool, every
        self.layers, self.heads = tool.n_layers, tool.n_heads
        self.twenty = torch.tensor(prompts)
        self.ten = self.twenty[:10]

    def corrupted(self, prompts, positions):
        other, rows = prompts.clone(), torch.arange(len(prompts))
        for position in positions:
            other[:, position] = 1000 + 37 * rows + 1000 * len(positions) + position
        return other

    def logit_difference(self, logits):
        rows = torch.arange(len(logits))
        return (logits[rows, -1, 100 + rows] - logits[rows, -1, 300 + rows]).mean().item()

    def every_head(self, layers=None):
        return [(layer, head) for layer in range(layers or self.layers) for head in range(self.heads)]

    def sweep(self, base, source, site, places):
        """One pass for each place, with one recorded run of the source."""
        layers = sorted({layer for layer, _ in places})
        _, recorded = self.tool.run(source, [], [(site, layer) for layer in layers])

        def one(layer, index):
            def write(value):
                axis = 2 if site == "z" else 1
                value.select(axis, index).copy_(recorded[site, layer].select(axis, index))
            return self.logit_difference(self.tool.run(base, [(site, layer, write)], [])[0])
        return places, one

    def walkthrough(self):
        abc = self.corrupted(self.ten, [1, 3, 9])
        return self.sweep(abc, self.ten, "z", self.every_head())

    def walkthrough_as_written(self):
        """Three passes a head: the clean run with its cache, the corrupted run, the patched run."""
        abc = self.corrupted(self.ten, [1, 3, 9])

        def one(layer, head):
            cache = self.tool.cache(self.ten)
            self.logit_difference(self.tool.logits(abc))

            def write(value):
                value[:, :, head] = cache[f"blocks.{layer}.attn.hook_z"].reshape(value.shape)[:, :, head]
            return self.logit_difference(self.tool.run(abc, [("z", layer, write)], [])[0])
        return self.every_head(), one

    def lab_heads(self):
        return self.sweep(self.twenty, self.corrupted(self.twenty, [9]), "z", self.every_head())

    def lab_residual(self):
        places = [(layer, position) for layer in range(self.layers) for position in range(14)]
        return self.sweep(self.twenty, self.corrupted(self.twenty, [9]), "resid_pre", places)

    def freeze(self, clean, other):
        """Wang et al. 2022, appendix B: all z are the clean run's, but the sender's at END."""
        def edits(layer, head):
            def write(i):
                def one(value):
                    value.copy_(clean["z", i])
                    if i == layer:
                        value[:, -1, head] = other["z", i][:, -1, head]
                return one
            return [("z", i, write(i)) for i in range(self.layers)]
        return edits

    def recorded_z(self):
        sites = [("z", layer) for layer in range(self.layers)]
        abc = self.corrupted(self.ten, [1, 3, 9])
        return self.tool.run(self.ten, [], sites)[1], self.tool.run(abc, [], sites)[1]

    def paths_to_logits(self):
        edits = self.freeze(*self.recorded_z())

        def one(layer, head):
            return self.logit_difference(self.tool.run(self.ten, edits(layer, head), [])[0])
        return self.every_head(), one

    def paths_to_queries(self):
        """A second pass, with the receivers' queries at END as the first left them."""
        edits = self.freeze(*self.recorded_z())
        first = 3 * self.layers // 4
        receivers = {first: [3 * self.heads // 4, self.heads // 2], first + 1: [0]}

        def one(layer, head):
            _, queries = self.tool.run(self.ten, edits(layer, head), [("q", i) for i in receivers])

            def write(i):
                def changed(value):
                    for receiver in receivers[i]:
                        value[:, -1, receiver] = queries["q", i][:, -1, receiver]
                return changed
            return self.logit_difference(
                self.tool.run(self.ten, [("q", i, write(i)) for i in receivers], [])[0])
        return self.every_head(first + 1), one


def measure(tool_name, folder, prompts, threads, npz, every):
    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    module = importlib.import_module(tool_name)
    begin = time.perf_counter()
    tool = module.Tool(folder)
    result = {"load": {"seconds": time.perf_counter() - begin},
              "loaded_megabytes": peak_megabytes()}
    with open(prompts, encoding="utf-8") as file:
        work = Work(tool, json.load(file), every)
    ours = numpy.load(npz)

    def compare(name, values, expected):
        """Relative to the largest number: streams of some models hold numbers of many thousands."""
        values = numpy.asarray(values, dtype=numpy.float64)
        scale = max(1.0, float(numpy.abs(expected).max()))
        result[name]["difference"] = float(numpy.abs(values - expected).max()) / scale

    for name, tokens in (("forward_1", work.ten[:1]), ("forward_10", work.ten)):
        result[name] = {"seconds": median_seconds(lambda: tool.logits(tokens))}
        compare(name, tool.logits(tokens)[:, -1].numpy(), ours[name])
    if hasattr(tool, "cache"):
        result["run_with_cache"] = {"seconds": median_seconds(lambda: tool.cache(work.ten))}
        last = f"blocks.{work.layers - 1}.hook_resid_post"
        compare("run_with_cache", tool.cache(work.ten)[last].numpy().reshape(140, -1),
                ours["run_with_cache"])
    cases = ["walkthrough", "lab_heads", "lab_residual", "paths_to_logits", "paths_to_queries"]
    for name in cases + (["walkthrough_as_written"] if hasattr(tool, "cache") else []):
        tool.logits(work.ten)
        begin = time.perf_counter()
        places, one = getattr(work, name)()
        prepared = time.perf_counter() - begin
        chosen = places[::every]
        begin = time.perf_counter()
        values = [one(*place) for place in chosen]
        each = (time.perf_counter() - begin) / len(chosen)
        result[name] = {"seconds": prepared + each * len(places)}
        compare(name, values, ours[name.removesuffix("_as_written")][::every])
    result["peak_megabytes"] = peak_megabytes()
    print(json.dumps(result))


if __name__ == "__main__":
    measure(*sys.argv[1:4], int(sys.argv[4]), sys.argv[5], int(sys.argv[6]))
