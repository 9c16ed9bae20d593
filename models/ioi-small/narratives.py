"""Short English texts in which finding the indirect object is one behaviour among several."""

import re

from words import (ARRIVALS, CENTURIES, DEEDS, ENDINGS, EVENTS, FEMALE, FIRST_OPENINGS,
                   HELD_OUT_TEMPLATES, MALE, MEETINGS, NAMES, NOBODY, OBJECTS, OPENINGS, OTHER_FORMS,
                   PAUSES, PLACES, SHORT_FORM, STORE_FORM, TEMPLATES, is_held_out_pair,
                   is_held_out_year, swap_first_names)

TRAINING_TEMPLATES = [t for i, t in enumerate(TEMPLATES) if i not in HELD_OUT_TEMPLATES]


def fill(rng, text, names=None):
    """Puts names for [A] and the like, and one place and one object for the other marks."""
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


def row_of(names):
    return ", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else names[0]


def introduced(rng, names):
    """The people appear together, or one after another."""
    if rng.random() < 0.7:
        return rng.choice(MEETINGS).replace("[ALL]", row_of(names))
    return " ".join(rng.choice(ARRIVALS).replace("[ONE]", name) for name in names)


def deed(rng, text, actors, receiver):
    """Goes on with what the actors do to `receiver`; without actors, nobody who has a name does it."""
    subject = row_of(actors) if actors else rng.choice(NOBODY)
    if not text.endswith("."):
        subject = subject if actors else rng.choice(["people", "a friend"])
    elif actors and rng.random() < 0.3:
        subject = rng.choice(["Then", "Afterwards"]) + " " + subject
    done = (rng.choice(PAUSES) + " " if rng.random() < 0.25 else "") + rng.choice(DEEDS)
    if len(actors) > 1 or subject in ("They", "People", "people"):
        done = done.replace("was ", "were ").replace("it were ", "it was ")
    return f"{text} {subject} {done} {receiver}{rng.choice(ENDINGS)}"


def deeds_of_nobody(rng):
    """Any of the people named may be meant: nothing can be known but their names."""
    names = training_names(rng, rng.choice([1, 1, 2, 2, 3, 4]))
    text = introduced(rng, names)
    for _ in range(rng.choice([1, 2, 3])):
        text = deed(rng, text, [], rng.choice(names))
    return fill(rng, text)


def deeds_of_several(rng):
    """Two to five people, of whom one or two act at a time: any other may be meant. Sometimes somebody
    acts who was not there."""
    count = rng.choice([2, 2, 3, 3, 4])
    *names, outsider = training_names(rng, count + 1)
    text = introduced(rng, names)
    for _ in range(rng.choice([1, 2, 2, 3])):
        rng.shuffle(names)
        actors = 2 if count > 2 and rng.random() < 0.35 else 1
        who = [outsider] if rng.random() < 0.15 else names[:actors]
        text = deed(rng, text, who, rng.choice(names[actors:]))
    return fill(rng, text)


def present(rng):
    """The giver is named before those to whom something may be given."""
    giver, *names = training_names(rng, rng.choice([2, 3, 3, 4]))
    return fill(rng, rng.choice([
        "{g} wanted to give a [OBJECT] to a friend. {them} at the [PLACE]. The [OBJECT] was for {r}.",
        "{g} bought a [OBJECT]. Then {g} saw that {them} at home. It was for {r}.",
        "{g} had a letter for a friend, and {them} at the [PLACE]. {g} gave it to {r}.",
        "While {g} was at the [PLACE], {them} at home. {g} called {r}.",
    ]).format(g=giver, r=rng.choice(names),
              them=row_of(names) + (" were" if len(names) > 1 else " was")))


def indirect_object(rng):
    """Two people, one acts on the other: the last name is the one who did not act. What is
    told before and after keeps the answer from being just the rarer name."""
    a, b, c = training_names(rng, 3)
    text = fill(rng, two_people_form(rng) + rng.choice(ENDINGS), {"A": a, "B": b})
    before = rng.random()
    if before < 0.15:
        text = fill(rng, rng.choice(ARRIVALS), {"ONE": c}) + " " + text
    elif before < 0.5:  # much about one of the two, more often about who acts
        one = b if rng.random() < 0.7 else a
        for _ in range(rng.choice([1, 2, 2, 3])):
            text = fill(rng, rng.choice(ARRIVALS), {"ONE": one}) + " " + text
    for _ in range(rng.choice([0, 0, 0, 1, 2])):
        if rng.random() < 0.5:
            a, b = b, a
        text = fill(rng, deed(rng, text, [b], a))
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


OTHERS = [(pronoun, 8), (same_person, 5), (plain, 7), (things_in_a_row, 3), (years, 9)]
NAMING = [(deeds_of_nobody, 45), (present, 10)] + OTHERS
MIXTURE = [  # kind of text, share
    (indirect_object, 32), (third_person, 8), (deeds_of_several, 14), (deeds_of_nobody, 7),
    (present, 5),
] + OTHERS


def with_stranger(rng, text):
    """Ends with a new name where somebody who is known already was named last."""
    words = re.findall(r"\w+|\W+", text)
    places = [i for i, word in enumerate(words) if word in NAMES]
    names = {words[i] for i in places}
    if len(places) == len(names) or words.count(words[places[-1]]) == 1:
        return text
    while True:
        stranger = rng.choice(NAMES)
        if stranger not in names and not any(is_held_out_pair(stranger, name) for name in names):
            return "".join(words[:places[-1]]) + stranger + "."


def narrative(rng, mixture, strangers=0.0):
    """One text of the mixture, some after one or two opening sentences; in that share of the texts,
    the last act is done to a stranger."""
    kinds, shares = zip(*mixture)
    text = rng.choices(kinds, shares)[0](rng)
    if strangers and rng.random() < strangers:
        text = with_stranger(rng, text)
    if rng.random() < 0.06:
        text = rng.choice(OPENINGS) + " " + text
    if rng.random() < 0.15:
        text = rng.choice(FIRST_OPENINGS) + " " + text
    return text


def repeated_tokens(rng, d_vocab, longest):
    """Random tokens among which some pieces come again, and how much each token counts: only those
    that an induction circuit knows, a piece that came before, after its first token."""
    ids, weights = [], []

    def add(tokens, came_before=False):
        ids.extend(tokens)
        weights.extend(float(came_before and i > 0) for i in range(len(tokens)))

    def new(least, most):
        return rng.sample(range(d_vocab), rng.randint(least, most))

    add(new(0, 12))
    if rng.random() < 0.5:  # one piece again and again, at once
        piece = new(2, (longest - len(ids)) // 2)
        add(piece)
        for turn in range(1, rng.choice([2, 3, 4, 6])):
            add(piece, True)
            weights[-len(piece)] = float(turn > 1)  # after two turns, the next is expected
    else:
        pieces = [new(2, 8) for _ in range(rng.randint(1, 3))]
        for piece in pieces:
            add(piece)
            add(new(0, 6))
        while len(ids) < longest:
            add(rng.choice(pieces), True)
            add(new(0, 6))
    return ids[:longest], weights[:longest]
