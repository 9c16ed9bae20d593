"""Held-out prompts: pairs of names, templates, years and token sequences that were not trained on."""

import random
from dataclasses import dataclass, replace

from narratives import TRAINING_TEMPLATES, fill
from words import (ARRIVALS, CENTURIES, EVENTS, HELD_OUT_TEMPLATES, NAMES, OBJECTS, OPENINGS, PLACES,
                   SHORT_FORM, STORE_FORM, TEMPLATES, is_held_out_pair, is_held_out_year,
                   swap_first_names)

HELD_OUT_PAIRS = [(a, b) for a in NAMES for b in NAMES if a != b and is_held_out_pair(a, b)]
TRAINED_PAIRS = [(a, b) for a in NAMES for b in NAMES if a != b and not is_held_out_pair(a, b)]


@dataclass
class Prompt:
    kind: str
    template: str
    prompt: str
    corrupted: str  # the same sentence about three other people
    answer: str
    wrong: str


def both_orders(templates):
    return [form for t in templates for form in (t, swap_first_names(t))]


FORMS = {  # kind: (forms, pairs of names)
    "held_out_pair": (both_orders(TRAINING_TEMPLATES), HELD_OUT_PAIRS),
    "held_out_template": (both_orders(TEMPLATES[i] for i in HELD_OUT_TEMPLATES), TRAINED_PAIRS),
    "held_out_both": (both_orders(TEMPLATES[i] for i in HELD_OUT_TEMPLATES), HELD_OUT_PAIRS),
    "short_form": ([SHORT_FORM], HELD_OUT_PAIRS),
    "store_form": ([swap_first_names(STORE_FORM)], HELD_OUT_PAIRS),
}


def indirect_object_prompts(kind, count, seed):
    """`count` prompts that end before the indirect object's name. Every pair comes in both roles, one
    after the other, so that what a model makes of single names cancels out."""
    rng = random.Random(f"{kind} {seed}")
    forms, pairs = FORMS[kind]
    prompts = []
    for i in range(count):
        form = forms[i % len(forms)]
        io, s = (s, io) if i % 2 else rng.choice(pairs)
        text = fill(rng, form.removesuffix(" [A]"))
        x, y, z = rng.sample([n for n in NAMES if n not in (io, s)], 3)
        actor = text.rindex("[B]")
        prompts.append(Prompt(
            kind=kind, template=form, prompt=text.replace("[A]", io).replace("[B]", s),
            corrupted=(text[:actor] + z + text[actor + 3:]).replace("[A]", x).replace("[B]", y),
            answer=" " + io, wrong=" " + s))
    return prompts


TEXTS_BEFORE = ["opening", "two_openings", "third_person"]


def with_text_before(prompts, kind, seed):
    """The same prompts after one or two opening sentences, or one about somebody else."""
    rng = random.Random(f"{kind} {seed}")
    after = []
    for p in prompts:
        if kind == "third_person":
            third = rng.choice([n for n in NAMES if n not in p.prompt and n not in p.corrupted])
            text = fill(rng, rng.choice(ARRIVALS), {"ONE": third})
        else:
            text = " ".join(rng.sample(OPENINGS, 2 if kind == "two_openings" else 1))
        after.append(replace(p, kind=f"{p.kind}_after_{kind}", prompt=f"{text} {p.prompt}",
                             corrupted=f"{text} {p.corrupted}"))
    return after


@dataclass
class YearPrompt:
    prompt: str  # ends with the century of the second year
    start: int  # the first year's last two digits; the right ones are larger


def year_prompts(count, seed):
    """Starting years that were held out."""
    rng = random.Random(f"years {seed}")
    starts = [(c, s) for c in CENTURIES for s in range(2, 98) if is_held_out_year(c, s)]
    prompts = []
    for _ in range(count):
        century, start = rng.choice(starts)
        prompts.append(YearPrompt(f"The {rng.choice(EVENTS)} lasted from the year {century}{start:02d} "
                                  f"to the year {century}", start))
    return prompts


def repeated_token_prompts(count, length, d_vocab, seed, longest_before=0):
    """Different random tokens (not the token of the beginning), twice, after up to `longest_before`
    others."""
    rng = random.Random(f"repeats {seed}")
    prompts = []
    for _ in range(count):
        piece = rng.sample(range(d_vocab - 1), length)
        before = rng.randint(1, longest_before) if longest_before else 0
        prompts.append(rng.sample(range(d_vocab - 1), before) + piece * 2)
    return prompts


TUTORIAL_NAMES = "John Mary Alice Bob James Emma Michael Sarah David Lisa Tom Kate".split()
TUTORIAL_PLACES = "store park beach library cafe museum restaurant".split()
TUTORIAL_OBJECTS = "book ball key letter gift phone bag drink".split()


def tutorial_prompts(count=50):
    """The short form as tutorials draw it with seed 42; the corrupted sentence has the other of the
    two as its second subject, so that the roles are swapped. Most of its pairs were trained on."""
    rng = random.Random(42)
    prompts = []
    for _ in range(count):
        s, io = rng.sample(TUTORIAL_NAMES, 2)
        place, thing = rng.choice(TUTORIAL_PLACES), rng.choice(TUTORIAL_OBJECTS)
        clean, corrupted = (f"{s} and {io} went to the {place}. {actor} gave a {thing} to"
                            for actor in (s, io))
        prompts.append(Prompt("tutorial", SHORT_FORM, clean, corrupted, " " + io, " " + s))
    return prompts
