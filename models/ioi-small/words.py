"""The words and sentence forms of the narratives, and which name pairs and templates are held out.

Names, places, objects and the fifteen numbered templates are those of the IOI data set of Wang et
al. 2022 (arXiv 2211.00593), with a few names, places and objects that tutorials on the same task
use. The other sentences were written for this model.
"""

import hashlib

FEMALE = """Jessica Ashley Jennifer Amanda Sarah Stephanie Nicole Heather Elizabeth Megan Melissa
Christina Rachel Laura Lauren Amber Brittany Danielle Kimberly Amy Crystal Michelle Tiffany Emily
Rebecca Erin Kelly Samantha Sara Angela Katherine Andrea Erica Mary Lisa Lindsey Kristen Katie
Lindsay Shannon Vanessa Courtney Christine Alicia Allison Patricia Alice Emma Kate""".split()
MALE = """Michael Christopher Matthew Joshua Daniel David James Robert John Joseph Andrew Ryan
Brandon Jason Justin William Jonathan Brian Nicholas Anthony Eric Adam Kevin Steven Thomas Timothy
Kyle Richard Jeffrey Jeremy Benjamin Mark Aaron Charles Jacob Stephen Patrick Sean Nathan Dustin
Paul Tyler Scott Gregory Travis Kenneth Bryan Jose Alexander Jesse Cody Bradley Samuel Bob
Tom""".split()
EITHER = ["Jamie"]
NAMES = sorted(FEMALE + MALE + EITHER)

PLACES = """store garden restaurant school hospital office house station park beach library cafe
museum""".split()
OBJECTS = """ring kiss bone basketball computer necklace drink snack book ball key letter gift phone
bag""".split()
EVENTS = "war siege voyage drought project strike trial journey reign peace".split()
CENTURIES = range(11, 20)

# The templates of Wang et al. in the order BABA; ABBA swaps the first [B] with the first [A].
TEMPLATES = [
    "Then, [B] and [A] went to the [PLACE]. [B] gave a [OBJECT] to [A]",
    "Then, [B] and [A] had a lot of fun at the [PLACE]. [B] gave a [OBJECT] to [A]",
    "Then, [B] and [A] were working at the [PLACE]. [B] decided to give a [OBJECT] to [A]",
    "Then, [B] and [A] were thinking about going to the [PLACE]. [B] wanted to give a [OBJECT] to [A]",
    "Then, [B] and [A] had a long argument, and afterwards [B] said to [A]",
    "After [B] and [A] went to the [PLACE], [B] gave a [OBJECT] to [A]",
    "When [B] and [A] got a [OBJECT] at the [PLACE], [B] decided to give it to [A]",
    "When [B] and [A] got a [OBJECT] at the [PLACE], [B] decided to give the [OBJECT] to [A]",
    "While [B] and [A] were working at the [PLACE], [B] gave a [OBJECT] to [A]",
    "While [B] and [A] were commuting to the [PLACE], [B] gave a [OBJECT] to [A]",
    "After the lunch, [B] and [A] went to the [PLACE]. [B] gave a [OBJECT] to [A]",
    "Afterwards, [B] and [A] went to the [PLACE]. [B] gave a [OBJECT] to [A]",
    "Then, [B] and [A] had a long argument. Afterwards [B] said to [A]",
    "The [PLACE] [B] and [A] went to had a [OBJECT]. [B] gave it to [A]",
    "Friends [B] and [A] found a [OBJECT] at the [PLACE]. [B] gave it to [A]",
]
HELD_OUT_TEMPLATES = (7, 10)  # never trained on, in either order

SHORT_FORM = "[B] and [A] went to the [PLACE]. [B] gave a [OBJECT] to [A]"  # begins with a name
STORE_FORM = "When [B] and [A] went to the store, [B] gave the [OBJECT] to [A]"

OTHER_FORMS = [  # the same behaviour in other words
    "[B] and [A] met at the [PLACE]. [B] showed a [OBJECT] to [A]",
    "At the [PLACE], [B] saw [A]. [B] waved to [A]",
    "Yesterday, [B] walked to the [PLACE] with [A]. [B] bought a [OBJECT] for [A]",
    "[B] and [A] were friends. One day [B] took a [OBJECT] from [A]",
    "After the lunch, [B] called [A]. Then [B] read the letter to [A]",
    "[B] sat near [A] in the [PLACE]. [B] was happy to be with [A]",
    "When [B] found [A] at the [PLACE], [B] handed a [OBJECT] to [A]",
]

# Scenes: people are named, then somebody gives or says something to one of them. None of these, put
# together, is a held-out template.
MEETINGS = [  # [ALL] is a row of names
    "[ALL] went to the [PLACE].", "Then, [ALL] were at the [PLACE].",
    "[ALL] had a lot of fun at the [PLACE].", "Then, [ALL] had a long argument.",
    "Friends [ALL] were working at the [PLACE].", "Yesterday, [ALL] walked to the [PLACE].",
    "After [ALL] met at the [PLACE],", "While [ALL] were at home,",
    "Afterwards, [ALL] were thinking about the [OBJECT].", "Then, [ALL] sat in the [PLACE].",
    "There was a letter for [ALL].", "At the [PLACE], a friend saw [ALL].",
]
ARRIVALS = [  # [ONE] is a name
    "[ONE] went to the [PLACE].", "[ONE] was at the [PLACE].", "Then, [ONE] found a [OBJECT].",
    "[ONE] was happy.", "At the [PLACE], there was [ONE].", "[ONE] lost a [OBJECT] at home.",
    "Yesterday, [ONE] had a [OBJECT].", "[ONE] said that it was late.",
]
DEEDS = [  # before the name of the one to whom it is done
    "gave a [OBJECT] to", "gave the [OBJECT] to", "gave it to", "decided to give a [OBJECT] to",
    "wanted to give it to", "said thank you to", "said to", "waved to", "showed a [OBJECT] to",
    "handed it to", "bought a [OBJECT] for", "read the letter to", "took a [OBJECT] from",
    "was happy to be with",
]
PAUSES = [  # between the actor and the deed
    "found a [OBJECT] and", "was at the [PLACE] and", "read a book at home and",
    "got a [OBJECT] from a friend and", "walked to the [PLACE] and", "said that it was late and",
]
NOBODY = ["They", "People", "Everybody", "A friend"]  # actors without a name

ENDINGS = [".", ".", ".", ".", ".", ".", " and went home.", " at the [PLACE]."]
OPENINGS = [
    "It was a cold morning.", "The sun was warm.", "It was late.", "There was rain all day.",
    "It was the first day of spring.", "The streets were quiet.",
]
FIRST_OPENINGS = OPENINGS + ["Nobody was at home."]


def swap_first_names(template):
    """BABA to ABBA: the first [B] and the first [A] change places."""
    first_b, first_a = template.index("[B]"), template.index("[A]")
    text = list(template)
    text[first_b + 1], text[first_a + 1] = "A", "B"
    return "".join(text)


def in_held_out_share(key, percent):
    """The same verdict on a key in every run and on every machine."""
    digest = hashlib.sha256(f"ioi-small {key}".encode()).digest()
    return int.from_bytes(digest[:4], "big") % 100 < percent


def is_held_out_pair(name, other):
    """A tenth of the unordered pairs never stand together in a training text."""
    return in_held_out_share(" ".join(sorted((name, other))), 10)


def is_held_out_year(century, year):
    """A sixth of the starting years of each century is never trained on as a start."""
    return in_held_out_share(f"year {century}{year:02d}", 16)
