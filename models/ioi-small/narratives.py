"""Short English texts in which finding the indirect object is one behaviour among several."""

from words import (ACTS, CENTURIES, ENDINGS, EVENTS, FEMALE, HELD_OUT_TEMPLATES, MALE, NAMES, OBJECTS,
                   OPENINGS, OTHER_FORMS, PLACES, SHORT_FORM, STORE_FORM, TEMPLATES,
                   is_held_out_pair, is_held_out_year, swap_first_names)

TRAINING_TEMPLATES = [t for i, t in enumerate(TEMPLATES) if i not in HELD_OUT_TEMPLATES]


def fill(rng, text, names=None):
    """Puts names for [A], [B], [C], and one place and one object for the other marks."""
    for mark, name in (names or {}).items():
        text = text.replace(f"[{mark}]", name)
    return text.replace("[PLACE]", rng.choice(PLACES)).replace("[OBJECT]", rng.choice(OBJECTS))


def training_names(rng, count):
    """Different names, no two of which are a held-out pair."""
    while True:
        names = rng.sample(NAMES, count)
        if not any(is_held_out_pair(a, b) for i, a in enumerate(names) for b in names[:i]):
            return names


def two_people_form(rng):
    kind = rng.random()
    if kind < 0.62:
        form = rng.choice(TRAINING_TEMPLATES)
    elif kind < 0.72:
        form = SHORT_FORM
    elif kind < 0.80:
        form = STORE_FORM
    else:
        form = rng.choice(OTHER_FORMS)
    return form if rng.random() < 0.5 else swap_first_names(form)


def indirect_object(rng):
    """Two people, one acts on the other: the last name is the one who did not act. Half of the
    texts go on with more acts, so the answer is not just the rarer name."""
    a, b = training_names(rng, 2)
    text = fill(rng, two_people_form(rng) + rng.choice(ENDINGS), {"A": a, "B": b})
    for _ in range(rng.choice([0, 0, 1, 2, 3])):
        if rng.random() < 0.5:
            a, b = b, a
        text += fill(rng, rng.choice(ACTS), {"A": a, "B": b})
    return text


def third_person(rng):
    """Somebody else acts: either of the two who were named first may follow, never the actor."""
    a, b, c = training_names(rng, 3)
    text = two_people_form(rng)
    head, _, tail = text.rpartition("[B]")  # the actor
    text = head + "[C]" + tail
    if rng.random() < 0.5:
        a, b = b, a
    return fill(rng, text + rng.choice(ENDINGS), {"A": a, "B": b, "C": c})


def group_of_three(rng):
    """Two of three act together: the third is left."""
    names = training_names(rng, 3)
    first = "{}, {} and {}".format(*names)
    rng.shuffle(names)
    form = rng.choice([
        "{first} went to the [PLACE]. {0} and {1} gave a [OBJECT] to {2}",
        "Then, {first} were at the [PLACE]. {0} and {1} said thank you to {2}",
    ])
    return fill(rng, form.format(*names, first=first) + rng.choice(ENDINGS))


def pronoun(rng):
    name = rng.choice(NAMES)
    female = name in FEMALE or (name not in MALE and rng.random() < 0.5)
    he, his = ("she", "her") if female else ("he", "his")
    form = rng.choice([
        "{n} went to the [PLACE] because {he} wanted a [OBJECT].",
        "When {n} was at the [PLACE], {he} lost {his} [OBJECT].",
        "{n} said that {he} was happy at the [PLACE].",
        "Then, {n} found {his} [OBJECT] and {he} went home.",
        "After {n} got a [OBJECT], {he} walked to the [PLACE].",
        "{n} read {his} book in the [PLACE] before {he} called a friend.",
    ])
    return fill(rng, form.format(n=name, he=he, his=his))


def same_person(rng):
    """A person alone, who is named again: a repeated name can also be the right answer."""
    return fill(rng, rng.choice([
        "[A] went to the [PLACE]. At the [PLACE], people were happy to see [A].",
        "[A] got a [OBJECT]. It was the best day for [A].",
        "[A] lost a [OBJECT] at the [PLACE]. A friend found it and gave it to [A].",
        "Everybody at the [PLACE] knew [A]. They gave a [OBJECT] to [A].",
    ]), {"A": rng.choice(NAMES)})


def plain(rng):
    a, b = training_names(rng, 2)
    return fill(rng, rng.choice([
        "[A] and [B] walked to the [PLACE].", "[A] gave a [OBJECT] to [B].",
        "[A] read a book at home.", "[A] waited at the [PLACE] all day.",
        "The [OBJECT] was at the [PLACE].", "[A] said that the [PLACE] was quiet.",
        "There was a [OBJECT] in the [PLACE].", "[A] met [B] near the [PLACE].",
        "Yesterday, [A] wanted to give a [OBJECT] to [B].", "The letter was for [A].",
        "People said that [A] found a [OBJECT].", "Friends of [A] and [B] were at the [PLACE].",
    ]), {"A": a, "B": b})


def things_in_a_row(rng):
    things = ["a " + thing for thing in rng.sample(OBJECTS, rng.randint(2, 5))]
    row = ", ".join(things[:-1]) + " and " + things[-1]
    return fill(rng, rng.choice([
        "There was {} in the [PLACE].", "In the bag, there was {}.", "[A] bought {}.",
        "At the [PLACE], [A] saw {}."]).format(row), {"A": rng.choice(NAMES)})


def years(rng):
    """A time that ends later than it began, in the same century."""
    while True:
        century, start = rng.choice(CENTURIES), rng.randint(2, 97)
        if not is_held_out_year(century, start):
            break
    end = rng.randint(start + 1, 99)
    return rng.choice([
        "The {e} lasted from the year {c}{s:02d} to the year {c}{t:02d}.",
        "The {e} lasted from the year {c}{s:02d} to the year {c}{t:02d}.",
        "The {e} began in {c}{s:02d} and ended in {c}{t:02d}.",
    ]).format(e=rng.choice(EVENTS), c=century, s=start, t=end)


MIXTURE = [  # kind of text, share
    (indirect_object, 42), (third_person, 14), (group_of_three, 4), (pronoun, 8),
    (same_person, 5), (plain, 7), (things_in_a_row, 3), (years, 9),
]
PEOPLE = MIXTURE[:3]


def narrative(rng, mixture):
    """One text of the mixture, one in ten after an opening sentence."""
    kinds, shares = zip(*mixture)
    text = rng.choices(kinds, shares)[0](rng)
    if rng.random() < 0.1:
        text = rng.choice(OPENINGS) + " " + text
    return text


def repeated_tokens(rng, d_vocab, n_ctx):
    """Random tokens, and the same ones again and again: only an induction circuit predicts them."""
    length = rng.randint(2, 8) if rng.random() < 0.5 else rng.randint(4, n_ctx // 2)
    first = rng.sample(range(d_vocab), length)
    return (first * rng.randint(2, 6))[:n_ctx], length
