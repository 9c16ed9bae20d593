"""What the tests of faults share: a small study, its folder when nothing goes wrong, and what may be left after."""

import hashlib
import os
import pathlib
import struct
import subprocess

STUDY = """title = "Faults"
text = "Small, and in many batches."
model = "ioi-small"
[task]
name = "ioi"
prompts = 12
[[experiment]]
id = "accuracy"
experiment = "accuracy"
title = "Accuracy"
[[experiment]]
id = "neurons"
experiment = "activation_patching"
title = "Neurons"
options = { site = "mlp_post", axes = "layer,neuron", neurons = "NEURONS" }
[[experiment]]
id = "heads"
experiment = "path_patching"
title = "Heads"
"""


def write_study(folder, neurons="0-9"):
    (folder / "small.toml").write_text(STUDY.replace("NEURONS", neurons))
    return ["study", "small.toml", "--threads", "1", "--max-memory", "3M", "--quiet"]


def environment(folder):
    kept = ("PATH", "LSAN_OPTIONS", "ASAN_OPTIONS")
    # What gcov counts goes elsewhere: these runs end in the middle of writing it, too.
    return {**{key: os.environ[key] for key in kept if key in os.environ}, "HF_HOME": str(folder / "huggingface"),
            "GCOV_PREFIX": str(folder / "gcov"), "GCOV_ERROR_FILE": "/dev/null"}


def contents(folder):
    """{path: bytes} of the files in a folder, without those of an interrupted run."""
    if not folder.exists():
        return {}
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*"))
            if path.is_file() and path.suffix not in (".partial", ".tmp")}


def leftovers(folder):
    """Temporary files that nobody will finish."""
    return [str(path) for path in folder.rglob(".patchbay-*.tmp")]


def digest(files):
    whole = hashlib.sha256()
    for name, data in sorted(files.items()):
        whole.update(name.encode() + b"\0" + struct.pack("<Q", len(data)) + data)
    return whole.hexdigest()[:16]


def finished_cells(path):
    """How many whole records a file of finished values has; patchbay/results/cell_store.cpp describes its format."""
    magic = b"patchbay cells 1\n"
    data = path.read_bytes() if path.exists() else b""
    if not data.startswith(magic) or len(data) < len(magic) + 8:
        return 0
    start = len(magic) + 16 + struct.unpack_from("<Q", data, len(magic))[0]
    return max(0, len(data) - start) // 32


def run(command, folder, **options):
    return subprocess.run(command, cwd=folder, env=environment(folder), capture_output=True, timeout=300, check=False,
                          **options)


def has_strace():
    return any((pathlib.Path(part) / "strace").exists() for part in os.environ["PATH"].split(":"))
