"""What Hypothesis may draw: moments, policies and histories that can be."""

from datetime import UTC, datetime, time

from hypothesis import strategies as st

from ringfence.rules.policy import ContactsBy, Model, PartnershipPolicy

AREA = "E06000008"

moments = st.datetimes(datetime(2019, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))
# A fortnight with a clock change in it, so that policies, transfers and hand-overs meet.
near = st.datetimes(datetime(2020, 10, 19), datetime(2020, 11, 2), timezones=st.just(UTC))
any_model = st.sampled_from(Model)
some_days = st.frozensets(st.integers(0, 6), min_size=1)
minutes = st.integers(0, 24 * 60 - 1).map(lambda minute: time(minute // 60, minute % 60))
# Longer than the hour that the spring change leaves out, so that no working day is lost.
hours_of_day = st.tuples(minutes, minutes).filter(lambda pair: pair[0].hour + 1 < pair[1].hour)


@st.composite
def policies(draw, models=any_model, from_at=moments):
    """A policy of one authority with a local team that works at least one day a week."""
    opens, closes = draw(hours_of_day)
    return PartnershipPolicy(
        area=AREA,
        from_at=draw(from_at),
        model=draw(models),
        set_period_hours=draw(st.integers(1, 96)),
        contacts_by=draw(st.sampled_from(ContactsBy)),
        working_days=draw(some_days),
        opens=opens,
        closes=closes,
        bank_holidays=draw(st.booleans()),
    )


histories = st.lists(policies(from_at=near), min_size=1, max_size=4)

#: Without a policy that passes traces at once.
waiting_histories = st.lists(
    policies(st.sampled_from([Model.NATIONAL_ONLY, Model.TIMED]), near), min_size=1, max_size=4
)
