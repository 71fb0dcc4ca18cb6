"""How many examples Hypothesis tries: by day a few, the same each time; in the night many times as many, and new ones."""

from hypothesis import settings

DAY = 10
NIGHT = 2000

# How fast this machine is decides nothing.
settings.register_profile("day", deadline=None, max_examples=DAY, derandomize=True)
settings.register_profile("night", deadline=None, max_examples=NIGHT)


def examples(by_day: int) -> int:
    """For a test whose examples are dear or cheap: so many by day, and in the night in proportion."""
    return by_day * settings.default.max_examples // DAY
