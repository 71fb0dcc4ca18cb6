"""Invented people are nobody: their numbers are from ranges that are never given to anyone."""

from datetime import date

from ringfence.rules import results
from ringfence.simulation.linelists import DRAMA, NUMBERS, drama_number
from ringfence.simulation.people import People

HOMES = {"E06000008": ["BB1 1AA", "BB1 1AB"]}
TODAY = date(2026, 11, 20)


def made(count: int, seed: int = 1, first: int = 0) -> list[tuple[str, ...]]:
    people = People(HOMES, seed=seed, first=first)
    return [people.resident("E06000008", TODAY) for _ in range(count)]


def test_every_number_is_one_of_the_ranges_kept_for_that() -> None:
    for nhs_number, _, _, born, _, phone, other, email, *_ in made(2_000):
        assert not nhs_number or (nhs_number.startswith("999") and results.nhs_number(nhs_number) == nhs_number)
        for each in (phone, other):
            assert not each or (each[:8] in DRAMA and results.phone(each) == each)
        assert not email or (email.endswith("@example.com") and results.email(email) == email)
        assert results.iso_date(born) == born < TODAY.isoformat()


def test_drama_numbers_come_round_only_after_all_of_them() -> None:
    assert len({drama_number(index) for index in range(NUMBERS)}) == NUMBERS == 14_000


def test_no_two_people_share_an_nhs_number() -> None:
    numbers = [each[0] for each in made(3_000) if each[0]]
    assert len(set(numbers)) == len(numbers) > 2_800


def test_the_share_without_a_telephone_is_that_of_cases_without_contact_details() -> None:
    without = sum(not each[5] for each in made(5_000)) / 5_000
    assert 0.010 < without < 0.025


def test_the_same_seed_gives_the_same_people() -> None:
    assert made(50, seed=4) == made(50, seed=4) != made(50, seed=5)


def test_beyond_the_test_range_nobody_gets_a_number() -> None:
    assert [each[0] for each in made(3, first=900_000)] == ["", "", ""]
