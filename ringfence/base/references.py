"""References: short, easy to read aloud, and never a database number ("K7Q-42M").

A number becomes a reference by a walk over all of them that visits each once, so that two numbers never share one and
neighbours look nothing alike. A reference is a name, not a secret: what it opens is decided by who asks.
"""

from __future__ import annotations

#: No 0 or O, 1 or I or L, 5 or S, 8 or B together; no U or V beside each other: what is misheard is left out.
ALPHABET = "234679ACDEFGHJKMNPQRTUWXYZ"

_BASE = len(ALPHABET)
_HALF = _BASE**3
SIZE = _HALF * _HALF
_STEP, _START = 190_546_183, 87_654_321
_TRIPLES = [a + b + c for a in ALPHABET for b in ALPHABET for c in ALPHABET]


def reference(number: int) -> str:
    """The reference of a positive number; the first 308,915,776 have six letters, later ones a further group in front."""
    if number < 1:
        raise ValueError(f"{number} has no reference: numbers begin at 1")
    turn, number = divmod(number, SIZE)
    high, low = divmod((number * _STEP + _START) % SIZE, _HALF)
    short = f"{_TRIPLES[high]}-{_TRIPLES[low]}"
    return short if turn == 0 else f"{_TRIPLES[turn % _HALF][-1]}{short}"


def tidy(text: str) -> str:
    """A reference as somebody typed or read it out, as it is written here: "k7q 42m" becomes "K7Q-42M"."""
    bare = "".join(c for c in text.upper() if c.isalnum())
    return f"{bare[:-3]}-{bare[-3:]}" if len(bare) > 3 else bare
