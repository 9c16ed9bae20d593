"""Malformed files from a seed: classes of damage, each a function that gives files and the command that reads them.

formats/ has a file for each format. A class of damage is written there as

    @malformed(exit codes, where the message points)
    def name(random): ...

and returns (command, {file: bytes}), the command with {} for the folder that the files are in. The same seed gives
the same files.
"""

import copy
import importlib
import json
import pathlib
import random as random_module

ROOT = pathlib.Path(__file__).resolve().parents[2]
TINY = ROOT / "tests/golden/tiny-gpt2"
CLASSES = {}

# Where a message points: a byte, a line, a key or a name in quotes, a token, a word of a config.
PLACE = r'byte \d+|line \d+|:\d+\)?: |"[^"]+"|entry \d+|bytes|the outermost value|\b\d+ layers|\b[nd]_\w+ is|holds no prompts'


def malformed(codes=(65,), place=PLACE):
    def keep(function):
        assert function.__name__ not in CLASSES, function.__name__
        CLASSES[function.__name__] = (function, codes, place)
        return function
    return keep


def cases(seed, each):
    """(class, number, exit codes, place, command, files) of every class, `each` times."""
    for path in sorted((pathlib.Path(__file__).parent / "formats").glob("*.py")):
        importlib.import_module(f"formats.{path.stem}")
    for name, (function, codes, place) in CLASSES.items():
        for number in range(each):
            random = random_module.Random(f"{seed} {name} {number}")
            command, files = function(random)
            yield name, number, codes, place, command, files


def as_json(value):
    """The value's JSON; bytes are taken as they are."""
    return value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode()


def is_json(text):
    """Whether bytes are JSON."""
    try:
        json.loads(text.decode())
    except ValueError:
        return False
    return True


def changed(value, change):
    """A copy that `change` has changed in place."""
    whole = copy.deepcopy(value)
    change(whole)
    return whole
