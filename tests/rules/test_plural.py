import pytest

from ringfence.rules.plural import counted


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((0, "row"), "0 rows"),
        ((1, "row"), "1 row"),
        ((1234, "row"), "1,234 rows"),
        ((1, "delivery", "deliveries"), "1 delivery"),
        ((2, "row is", "rows are"), "2 rows are"),
    ],
)
def test_a_number_and_its_word_agree(given: tuple[int, str], said: str) -> None:
    assert counted(*given) == said
