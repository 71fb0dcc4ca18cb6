"""An incident on the pages: opened, worked on and closed, with its mistakes beside their fields."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from ringfence.accounts import walls
from ringfence.accounts.models import Membership, User
from ringfence.actions import incidents
from ringfence.rules.calendar import london_date
from ringfence.web.forms import date_parts
from tests.town import ACCOUNTS, BLACKBURN, INTERVIEWS, LUTON, Town, events, row
from tests.web.conftest import SignedIn
from tests.web.reading import Page

SHUT = "closed_at = now(), outcome = 'not_reached', queued = false"


def words(answer: Any, status: int = 200) -> str:
    assert answer.status_code == status
    page = Page(answer.content.decode())
    assert page.problems == []
    return page.words


def test_from_opening_to_closing(town: Town, signed_in: SignedIn, trace: str) -> None:
    client = signed_in("Dora")
    assert "Give it a name" in words(client.post(f"/areas/{BLACKBURN}/incidents/open", {"title": ""}), 422)
    wrong = client.post(
        f"/areas/{BLACKBURN}/incidents/open", {"title": "Flex", "summary": "A gym.", "alert": "ZZZ-ZZZ"}
    )
    assert "There is no alert ZZZ-ZZZ in this area" in words(wrong, 422) and "A gym." in words(wrong, 422)
    kept = Page(wrong.content.decode())
    assert (kept.typed["title"], kept.typed["alert"]) == ("Flex", "ZZZ-ZZZ") and "alert" in kept.anchors
    opened = client.post(f"/areas/{BLACKBURN}/incidents/open", {"title": "Flex", "summary": "A gym."})
    where = opened.headers["Location"]
    assert "A gym." in words(client.get(where))
    assert "Flex" in words(client.get(f"/areas/{BLACKBURN}/incidents"))

    wrong = client.post(f"{where}/cases", {"trace": "ZZZ-ZZZ", "case_why": "Trained there."})
    assert "There is no case ZZZ-ZZZ of your area" in words(wrong, 422)
    shown = words(
        client.post(
            f"{where}/cases", {"trace": trace.lower().replace("-", " "), "case_why": "Trained there."}, follow=True
        )
    )
    assert f"The case of {trace} belongs to the incident now." in shown
    assert "Trained there." in shown and "not known" in shown

    with walls.transaction(INTERVIEWS), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO settings (ref, kind, name, name_key, authority, created_at)"
            " VALUES ('GGG-GGG', 'leisure', 'Flex Gym', 'flex gym', %s, now())",
            [BLACKBURN],
        )
    for place, problem in (
        ({}, "Choose a place"),
        ({"place_ref": "ZZZ-ZZZ"}, "There is no place ZZZ-ZZZ of your area"),
    ):
        assert problem in words(client.post(f"{where}/places", {"place_why": "Met there.", **place}), 422)
    sent = {"place_ref": "GGG-GGG", "place_why": "Met there."}
    shown = client.post(f"{where}/places", sent, follow=True)
    assert "Flex Gym belongs to the incident now." in words(shown)
    number = shown.content.decode().split('name="place" value="')[1].split('"')[0]
    assert "Say why the place does not" in words(client.post(f"{where}/places/remove", {"place": number}), 422)
    sent = {"place": number, f"remove-place-{number}": "It was shut."}
    assert "It was shut." in words(client.post(f"{where}/places/remove", sent, follow=True))

    on = london_date(timezone.now()) + timedelta(days=9)
    due = date_parts(on, "due")
    for sent, problem in (
        (due, "Say who does it"),
        ({"owner": "Leo"}, "Give the day too"),
        ({"owner": "Leo", **due, "due-year": "2025"}, "is past; give today or a later day"),
        ({"owner": "Leo", **due, "due-month": "13"}, "must be a real date"),
    ):
        answer = client.post(f"{where}/actions", {"what": "Ring.", **sent})
        assert problem in words(answer, 422)
        assert Page(answer.content.decode()).anchors.count("owner" if sent is due else "due") == 1
    shown = words(client.post(f"{where}/actions", {"what": "Ring.", "owner": "Leo", **due}, follow=True))
    assert f"Leo by {on:%A} {on.day} {on:%B}" in shown

    page = client.get(where).content.decode()
    number, action, version = (
        page.split(f'name="{name}" value="')[1].split('"')[0] for name in ("case", "action", "version")
    )
    assert "Done." in words(client.post(f"{where}/actions/done", {"action": action}, follow=True))
    taken = client.post(f"{where}/cases/remove", {"case": number, f"remove-{number}": "Another gym."}, follow=True)
    assert "Another gym." in words(taken)
    assert "changed while you had it open" in words(
        client.post(f"{where}/close", {"version": version, "outcome": "over"}), 409
    )
    now = client.get(where).content.decode().split('name="version" value="')[1].split('"')[0]
    assert "Choose how it ended" in words(client.post(f"{where}/close", {"version": now}), 422)
    assert "Closed" in words(client.post(f"{where}/close", {"version": now, "outcome": "over"}, follow=True))


def test_another_authority_takes_part_from_asking_to_leaving(town: Town, signed_in: SignedIn) -> None:
    now = timezone.now()
    with walls.transaction(ACCOUNTS):
        town.users["Dan"] = User.objects.create_user("dan@example.org", "Dan")
        Membership.objects.create(user=town.users["Dan"], role="director", area_id=LUTON, from_at=now)
    dora, dan, theirs = signed_in("Dora"), signed_in("Dan"), f"/areas/{LUTON}/incidents"
    ref = incidents.open_incident(area=BLACKBURN, title="Flex", by=town.by("Dora", now), now=now).ref
    where = f"/incidents/{ref}"
    assert "Choose another authority" in words(dora.post(f"{where}/areas/ask", {"area": "", "ask_why": "Yours."}), 422)
    assert "Say why they should" in words(dora.post(f"{where}/areas/ask", {"area": LUTON, "ask_why": ""}), 422)
    both = words(dora.post(f"{where}/areas/ask", {"area": "", "ask_why": ""}), 422)
    assert "Choose another authority" in both and "Say why they should" in both
    sent = {"area": LUTON, "ask_why": "Yours train there."}
    assert "They are asked." in words(dora.post(f"{where}/areas/ask", sent, follow=True))
    assert "1 authority asks you to take part" in words(dan.get(f"/areas/{LUTON}"))
    page = dan.get(theirs)
    assert "Yours train there." in words(page) and "Flex" not in words(page)
    assert dan.get(where).status_code == 404
    asked = page.content.decode().split('name="asked" value="')[1].split('"')[0]
    assert "Say why not" in words(dan.post(f"{theirs}/answer", {"asked": asked, "do": "decline"}), 422)
    assert "You take part in it now." in words(
        dan.post(f"{theirs}/answer", {"asked": asked, "do": "agree"}, follow=True)
    )
    assert "Flex" in words(dan.get(theirs)) and "Takes part" in words(dora.get(where))

    # Of the other's case the page tells the reference, the day and how its tracing stands.
    number = town.trace(LUTON, now=now)
    (case,) = row(number, "ref")
    incidents.add_case(incident=ref, trace=str(case), why="Trains there.", by=town.by("Dan", now), now=now)
    with walls.transaction(INTERVIEWS), connection.cursor() as cursor:
        cursor.execute("SELECT given_name FROM people p JOIN traces t ON t.person_id = p.id WHERE t.id = %s", [number])
        (name,) = cursor.fetchone()
    for change, stands in (("queued = queued", "Still open"), (SHUT, "Not reached")):
        with walls.transaction(INTERVIEWS), connection.cursor() as cursor:
            cursor.execute(f"UPDATE traces SET {change} WHERE id = %s", [number])
        page = dora.get(where)
        assert f"{case} of Luton" in words(page) and f">{stands}</td>" in " ".join(page.content.decode().split())
        assert name not in words(page) and f"/traces/{case}" not in page.content.decode()
    assert "Say why." in words(dan.post(f"{where}/areas/end", {"area": LUTON}), 422)
    left = dan.post(f"{where}/areas/end", {"area": LUTON, f"end-{LUTON}": "Over here."}, follow=True)
    assert "Luton does not take part any more." in words(left)
    assert dan.get(where).status_code == 404
    assert "Over here." in words(dora.get(where))


def test_the_situation_report_names_cases_by_reference_and_is_logged(
    town: Town, signed_in: SignedIn, trace: str
) -> None:
    pypdf = pytest.importorskip("pypdf")
    client, now = signed_in("Dora"), timezone.now()
    by = town.by("Dora", now)
    ref = incidents.open_incident(area=BLACKBURN, title="Flex #gym", summary="A [gym] *1*.", by=by, now=now).ref
    incidents.add_case(incident=ref, trace=trace, why="Trained there.", by=by, now=now)
    incidents.add_action(incident=ref, what="Ring the manager.", owner="Leo", due_on=now.date(), by=by, now=now)
    answer = client.get(f"/incidents/{ref}/report")
    assert answer.headers["Content-Type"] == "application/pdf"
    read = pypdf.PdfReader(io.BytesIO(answer.content))
    assert read.trailer["/Root"]["/MarkInfo"]["/Marked"]
    text = " ".join(" ".join(each.extract_text() for each in read.pages).split())
    for told in (
        "Situation report: Flex #gym",
        "A [gym] *1*.",
        "made by Dora",
        "As at",
        trace,
        "Ring the manager.",
        "Leo",
        "Still open",
    ):
        assert told in text, told
    for secret in ("Person", "1 High Street", "BB1 1AA", "01632", "0770"):
        assert secret not in text, secret
    (told,) = events("incident.reported")
    assert told[:2] == (town.users["Dora"].pk, True) and told[-1]["people"] == 1


def test_who_infected_whom_is_drawn_and_a_long_list_is_folded(
    town: Town, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, now = signed_in("Dora"), timezone.now()
    by, traces = town.by("Dora", now), (town.trace(now=now), town.trace(now=now))
    ref = incidents.open_incident(area=BLACKBURN, title="Flex", by=by, now=now).ref
    for trace in traces:
        incidents.add_case(incident=ref, trace=str(row(trace, "ref")[0]), why="Trained there.", by=by, now=now)
    assert "as a drawing" not in client.get(f"/incidents/{ref}").content.decode()
    (case, person), (became, contact) = (row(trace, "case_id, person_id") for trace in traces)
    with walls.transaction(INTERVIEWS), connection.cursor() as cursor:
        cursor.execute("UPDATE cases SET onset_date = first_specimen_date - 5 WHERE id = %s", [case])
        cursor.execute(
            "INSERT INTO contacts (case_id, case_person_id, person_id, entry, relation, last_contact, identified_at, source,"
            " became_case_id, became_case_at) VALUES (%s, %s, %s, 'a', 'work', %s, %s, 'tracer', %s, %s)",
            [case, person, contact, now.date(), now, became, now],
        )
    shown = client.get(f"/incidents/{ref}").content.decode()
    assert "1 case whom nobody here is known to have infected; infected by them and so on: 1." in shown
    assert "generation 1, infected by" in shown and "rf-chain" in shown and "List of the" not in shown
    monkeypatch.setattr("ringfence.web.views.incidents.LISTED", 1)
    assert "List of the 2 cases" in words(client.get(f"/incidents/{ref}"))
    wrong = client.post(f"/incidents/{ref}/cases/remove", {"case": case}).content.decode()
    listed = wrong[: wrong.index("List of the 2 cases")]
    assert listed[listed.rindex("<details") :].split(">")[0].endswith("open")


def test_a_past_day_is_read_and_changes_nothing(town: Town, signed_in: SignedIn) -> None:
    client, now = signed_in("Dora"), timezone.now()
    opened, yesterday = now - timedelta(days=3), london_date(now) - timedelta(days=1)
    by, trace = town.by("Dora", now), town.trace(now=opened)
    ref = incidents.open_incident(area=BLACKBURN, title="Flex", by=by, now=opened).ref
    incidents.add_case(incident=ref, trace=str(row(trace, "ref")[0]), why="Trained there.", by=by, now=now)
    then = client.get(f"/areas/{BLACKBURN}/incidents", {"as-at": str(yesterday)})
    assert (
        "Incidents as they stood on" in words(then) and f"/incidents/{ref}?as-at={yesterday}" in then.content.decode()
    )
    page = client.get(f"/incidents/{ref}", {"as-at": str(yesterday)})
    assert "No case is linked." in words(page) and b'method="post" action="/incidents' not in page.content
    assert "Trained there." in words(client.get(f"/incidents/{ref}"))
    early = {"as-at": str(yesterday - timedelta(days=9))}
    assert "was not open by then" in words(client.get(f"/incidents/{ref}", early), 422)
    assert "No incident had been opened" in words(client.get(f"/areas/{BLACKBURN}/incidents", early))
    assert client.get("/incidents/ZZZ-ZZZ", early).status_code == 404
