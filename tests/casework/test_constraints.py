"""Every rule that the database keeps by itself, with a row that tries to break it; no wall stops whoever tries."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest

from tests.database import Connection, Database

#: Schemas whose rules are tried.
SCHEMAS = ["casework", "accounts", "partnerships"]

#: Rules without a name of their own, which Django makes: no negative numbers, references that exist.
NO_NEGATIVES = r"_check\d*$"

BASE = """
INSERT INTO accounts.users (id, password, email, name, is_active, created_at)
    VALUES (1, '', 'ann@example.org', 'Ann', true, now());
INSERT INTO accounts.teams (id, kind, area, name, queue_shards, opened_at) VALUES
    (1, 'national', 'E06000008', 'National', 1, '2026-11-01'), (2, 'local', 'E06000008', 'Local', 1, '2026-11-01'),
    (3, 'local', 'E06000032', 'Luton', 1, '2026-11-01');
INSERT INTO accounts.memberships (id, user_id, role, team_id, from_at, lent, why)
    VALUES (1, 1, 'national_tracer', 1, '2026-11-01', false, '');
INSERT INTO partnerships.partnerships (area, stage, joined_at, revision, applied) VALUES
    ('E06000008', 'live', '2026-11-01', 1, 1), ('E06000032', 'offered', NULL, 0, 0);
INSERT INTO partnerships.policies (id, area, from_at, model, set_period_hours, contacts_by, working_days, opens, closes,
    bank_holidays, recorded_at)
    VALUES (1, 'E06000008', '2026-11-01', 'timed', 24, 'national', 'YYYYYNN', '09:00', '17:00', false, '2026-11-01');
INSERT INTO partnerships.service_rules (id, from_date, policy) VALUES (1, '2026-11-01', 'exercise');

INSERT INTO casework.people (id, nhs_number, match_key, given_name, family_name, birth_date, sex, ethnicity, phone,
    phone_other, email, address, postcode, gp_postcode, updated_at) VALUES
    (1, '9990000018', 11, 'Ann', 'Lee', '1980-01-01', 'F', '', '', '', '', '', '', '', '2026-11-16'),
    (2, NULL, 22, 'Bob', 'Lee', '1980-01-01', 'M', '', '', '', '', '', '', '', '2026-11-16');
INSERT INTO casework.standings (person_id, area, why, from_at) VALUES (1, 'E06000008', 'lives', '2026-11-16');
INSERT INTO casework.cases (id, person_id, episode, first_specimen_date, last_positive_date, authority, ltla, postcode,
    opened_at, updated_at) VALUES
    (1, 1, 1, '2026-11-14', '2026-11-16', 'E06000008', 'E06000008', '', '2026-11-16', '2026-11-16'),
    (2, 2, 1, '2026-11-14', '2026-11-16', 'E06000008', 'E06000008', '', '2026-11-16', '2026-11-16');
INSERT INTO casework.traces (id, ref, shard, reason, person_id, case_id, authority, team_id, area, owned_since,
    created_at, why, priority, due_at, due_why, queued, ready_at, claimed_by, claimed_at, phone, handovers) VALUES
    (1, 'AAA-111', 0, 'case', 1, 1, 'E06000008', 2, 'E06000008', '2026-11-17', '2026-11-16', '', 5, '2026-11-18', '',
        true, NULL, NULL, NULL, '0770', 1),
    (2, 'BBB-222', 0, 'case', 2, 2, 'E06000008', 1, 'E06000008', '2026-11-16', '2026-11-16', '', 5, '2026-11-17', '',
        false, '2026-11-16 01:00', 1, '2026-11-16', '0770', 0);
INSERT INTO casework.handovers (trace_id, seq, previous, from_team_id, since, to_team_id, at, reason, why, recorded_at)
    VALUES (1, 1, NULL, 1, '2026-11-16', 2, '2026-11-17', 'set_period', '', '2026-11-17');
INSERT INTO casework.attempts (id, trace_id, at, recorded_at, user_id, team_id, kind, outcome, number, note)
    VALUES (1, 1, '2026-11-16', '2026-11-16', 1, 1, 'call', 'no_answer', '', '');
INSERT INTO casework.notes (id, trace_id, at, user_id, team_id, to_team_id, kind, text)
    VALUES (1, 1, '2026-11-16', 1, 1, 2, 'question', 'Where?');
INSERT INTO casework.notes (id, trace_id, at, user_id, team_id, kind, text, answers_id)
    VALUES (2, 1, '2026-11-16', 1, 2, 'answer', 'There.', 1);
INSERT INTO casework.deliveries (id, ref, source, filename, sha256, size, encoding, received_at, status, refusal, rows,
    accepted, duplicate, quarantined, positives, cases_opened, warnings, parts) VALUES
    (1, 'D1', 'L', '', 'aaaa', 1, '', '2026-11-16', 'done', '', 3, 1, 1, 1, 1, 1, '[]', 1),
    (2, 'D2', 'L', '', 'bbbb', 1, '', '2026-11-16', 'processing', '', 0, 0, 0, 0, 0, 0, '[]', 1);
INSERT INTO casework.delivery_chunks (id, delivery_id, number, data) VALUES (1, 1, 0, ''), (2, 1, 1, '');
INSERT INTO casework.delivery_parts (id, delivery_id, number, next_row, rows, accepted, duplicate, quarantined,
    positives, cases_opened) VALUES (1, 1, 0, 3, 3, 1, 1, 1, 1, 1), (2, 1, 1, 0, 0, 0, 0, 0, 0, 0);
INSERT INTO casework.quarantines (id, delivery_id, row_number, field, reason, raw, recorded_at, settlement)
    VALUES (1, 1, 3, '', '', '', '2026-11-16', ''), (2, 1, 4, '', '', '', '2026-11-16', '');
INSERT INTO casework.results (id, delivery_id, row_number, laboratory, specimen_id, test_type, result, specimen_date,
    report_date, postcode, gp_postcode, authority, sex, age, person_id, case_id, recorded_at) VALUES
    (1, 1, 1, 'L', 'S1', 'PCR', 'positive', '2026-11-14', '2026-11-15', '', '', '', 'F', 40, 1, 1, '2026-11-16'),
    (2, 1, 2, 'L', 'S2', 'PCR', 'negative', '2026-11-14', '2026-11-15', '', '', '', 'F', 40, NULL, NULL, '2026-11-16');
INSERT INTO casework.sources (name, headers, results, month_first, updated_at) VALUES ('L', '{}', '{}', false, now());
INSERT INTO casework.questionnaires (id, key, version, from_at, title, body, recorded_at)
    VALUES (1001, 'case', 1001, '2026-11-16', 'Case', '{}', '2026-11-16');
INSERT INTO casework.templates (id, key, channel, language, version, from_at, body, recorded_at)
    VALUES (1001, 'hello', 'text', 'en', 1001, '2026-11-16', 'Hello', '2026-11-16');
INSERT INTO casework.interviews (id, trace_id, questionnaire_id, started_at, updated_at)
    VALUES (1, 1, 1001, '2026-11-16', '2026-11-16'), (2, 2, 1001, '2026-11-16', '2026-11-16');
INSERT INTO casework.answers (id, interview_id, trace_id, question, at, user_id, team_id, source)
    VALUES (1, 1, 1, 'language', '2026-11-16', 1, 1, 'tracer');
INSERT INTO casework.referrals (id, trace_id, person_id, kind, note, area, at)
    VALUES (1, 1, 1, 'food', '', 'E06000008', '2026-11-16');
INSERT INTO casework.settings (id, ref, kind, name, name_key, postcode, created_at) VALUES
    (1, 'S1', 'other', 'Gym', 'gym', 'BB1 1AA', '2026-11-16'), (2, 'S2', 'other', 'Gym', 'gym', 'BB1 1AB', '2026-11-16');
INSERT INTO casework.contacts (id, case_id, case_person_id, person_id, entry, relation, last_contact, identified_at,
    source) VALUES (1, 1, 1, 2, 'a', 'close', '2026-11-14', '2026-11-16', 'tracer');
INSERT INTO casework.exposures (id, case_id, person_id, entry, category, from_date, until_date, "window", source,
    recorded_at) VALUES (1, 1, 1, 'b', 'gym', '2026-11-14', '2026-11-14', 'both', 'tracer', '2026-11-16');
INSERT INTO casework.isolations (id, trace_id, person_id, day_0, from_date, until_date, policy, why, computed_at)
    VALUES (1, 1, 1, '2026-11-14', '2026-11-14', '2026-11-24', 'Exercise', '', '2026-11-16');
INSERT INTO casework.area_days VALUES ('E06000008', 'cases', '2026-11-01', '2026-11-01', 1);
INSERT INTO casework.digest_choices VALUES (1, 1, true, now());
INSERT INTO casework.messages (id, ref, key, person_id, trace_id, template_id, channel, language, "to", "values", state,
    state_at, send_after, created_at) VALUES
    (1, 'M1', 'k1', 1, 1, 1001, 'text', 'en', '', '{}', 'waiting', '2026-11-16', '2026-11-16', '2026-11-16'),
    (2, 'M2', 'k2', 1, 1, 1001, 'text', 'en', '', '{}', 'waiting', '2026-11-16', '2026-11-16', '2026-11-16');
INSERT INTO casework.opt_outs (id, person_id, channel, address, at) VALUES (1, 1, 'text', '0770', '2026-11-16');
INSERT INTO casework.links (id, trace_id, purpose, token_hash, session_hash, created_at, expires_at) VALUES
    (1, 1, 'interview', 'a', 'c', '2026-11-16', '2026-11-20'), (2, 1, 'interview', 'b', 'd', '2026-11-16', '2026-11-20');
INSERT INTO casework.details (id, person_id, kind, value, source, added_at, added_by, team_id)
    VALUES (1, 1, 'phone', '0771', '', '2026-11-16', 1, 2);
INSERT INTO casework.visits (id, trace_id, person_id, team_id, on_date, planned_at, planned_by)
    VALUES (1, 1, 1, 2, '2026-11-18', '2026-11-17', 1);
INSERT INTO casework.bulk_changes (id, ref, at, user_id, team_id, what, detail, traces, before)
    VALUES (1, 'B1', '2026-11-17', 1, 2, 'priority', '{}', 1, '[]');
INSERT INTO casework.alerts (id, ref, key, method, area, start, "end", found_at, updated_at, cases, rank, evidence, detail)
    VALUES (1, 'A1', 'k1', 'scan', 'E06000008', '2026-11-01', '2026-11-02', '2026-11-16', '2026-11-16', 2, 1, 'Why.', '{}'),
    (2, 'A2', 'k2', 'scan', 'E06000008', '2026-11-01', '2026-11-02', '2026-11-16', '2026-11-16', 2, 1, 'Why.', '{}');
INSERT INTO casework.moves_due (trace_id, authority, why, at) VALUES (2, 'E06000032', 'There.', '2026-11-16');
INSERT INTO casework.alert_cases (id, alert_id, case_id, added_at) VALUES (1, 1, 1, '2026-11-16');
INSERT INTO casework.incidents (id, ref, title, area, opened_at, opened_by) VALUES
    (1, 'I1', 'Gym', 'E06000008', '2026-11-16', 1), (2, 'I2', 'Shop', 'E06000008', '2026-11-16', 1);
INSERT INTO casework.incident_areas (id, incident_id, area, lead, asked_at, asked_by, why)
    VALUES (1, 1, 'E06000032', 'E06000008', '2026-11-16', 1, 'Same gym.');
INSERT INTO casework.incident_cases (id, incident_id, case_id, area, why, added_at, added_by)
    VALUES (1, 1, 1, 'E06000008', 'Was there.', '2026-11-16', 1);
INSERT INTO casework.incident_settings (id, incident_id, setting_id, why, added_at, added_by)
    VALUES (1, 1, 1, 'Named.', '2026-11-16', 1);
INSERT INTO casework.incident_actions (id, incident_id, what, at, user_id) VALUES (1, 1, 'Ring them.', '2026-11-16', 1);
INSERT INTO casework.saved_views (id, user_id, area, name, filters, saved_at)
    VALUES (1, 1, 'E06000008', 'Mine', '{}', '2026-11-16');
INSERT INTO casework.knocks (address, since, tries) VALUES (sha256('a'), '2026-11-16', 1);
UPDATE casework.attempts SET client_key = '00000000-0000-0000-0000-000000000001';
SET CONSTRAINTS ALL IMMEDIATE;
"""

_PASS = (
    "INSERT INTO casework.handovers (trace_id, seq, previous, from_team_id, since, to_team_id, at, reason, why,"
    " recorded_at) VALUES "
)


def passed(trace: int = 1, seq: int = 2, previous: str = "1", team: int = 2, since: str = "17", to: int = 1) -> str:
    """A second hand-over of trace 1, which follows the first one unless something is changed."""
    return (
        f"{_PASS}({trace}, {seq}, {previous}, {team}, '2026-11-{since}', {to}, '2026-11-20', 'given_back', '', now())"
    )


def copy(table: str, **changes: str) -> str:
    """One row of a table again, as another row, with some columns changed."""
    return (
        f"INSERT INTO {table} SELECT (jsonb_populate_record(r, jsonb_build_object("
        + ", ".join(f"'{column}', {value}" for column, value in changes.items())
        + f"))).* FROM {table} r ORDER BY r LIMIT 1"
    )


#: Rule -> statements, each of which breaks it and no other.
BROKEN: dict[str, list[str]] = {
    # accounts
    "user_email_lower_case": ["UPDATE accounts.users SET email = 'Ann@example.org'"],
    "users_email_key": [copy("accounts.users", id="2")],
    "team_one_of_a_kind": [copy("accounts.teams", id="9")],
    "team_shards": ["UPDATE accounts.teams SET queue_shards = 3"],
    "team_closes_after_it_opens": ["UPDATE accounts.teams SET closed_at = opened_at"],
    "membership_ends_after_it_begins": ["UPDATE accounts.memberships SET until_at = from_at - interval '1 second'"],
    "membership_team_or_area": [
        "UPDATE accounts.memberships SET team_id = NULL",
        "UPDATE accounts.memberships SET area = 'E06000008'",
    ],
    "membership_lending_has_an_end": ["UPDATE accounts.memberships SET lent = true"],
    # partnerships
    "partnership_applied_follows": ["UPDATE partnerships.partnerships SET applied = revision + 1"],
    "partnership_live_since": [
        "UPDATE partnerships.partnerships SET joined_at = NULL WHERE stage = 'live'",
        "UPDATE partnerships.partnerships SET joined_at = now() WHERE stage = 'offered'",
        "UPDATE partnerships.partnerships SET stage = 'gone'",
    ],
    "policy_dated": [copy("partnerships.policies", id="2")],
    "policy_set_period": [
        "UPDATE partnerships.policies SET set_period_hours = 0",
        "UPDATE partnerships.policies SET set_period_hours = 337",
    ],
    "policy_working_days": ["UPDATE partnerships.policies SET working_days = 'YYYYYN'"],
    "policy_works_some_day": ["UPDATE partnerships.policies SET working_days = 'NNNNNNN'"],
    "policy_follow_up_days": [
        f"UPDATE partnerships.policies SET follow_up_days = '{days}'" for days in ("0", "15", "4,", ",4", "4 8")
    ],
    "policy_closes_after_it_opens": ["UPDATE partnerships.policies SET closes = opens"],
    "service_rules_from_date_key": [copy("partnerships.service_rules", id="2")],
    # people and cases
    "person_nhs_number_once": ["UPDATE casework.people SET nhs_number = '9990000018'"],
    "person_nhs_number_form": [
        "UPDATE casework.people SET nhs_number = '999000001' WHERE id = 1",
        "UPDATE casework.people SET nhs_number = '999000001x' WHERE id = 1",
        "UPDATE casework.people SET nhs_number = '' WHERE id = 1",
    ],
    "person_unnumbered_once": [
        copy("casework.people", id="3", nhs_number="NULL::text", match_key="22"),
        "UPDATE casework.people SET nhs_number = NULL, match_key = 22 WHERE id = 1",
    ],
    "standing_ends_after_it_begins": ["UPDATE casework.standings SET until_at = from_at - interval '1 second'"],
    "case_episode_once": [copy("casework.cases", id="3")],
    "case_of_person": [
        "ALTER TABLE casework.cases DROP CONSTRAINT cases_pkey CASCADE; " + copy("casework.cases", episode="2")
    ],
    "case_dates_in_order": ["UPDATE casework.cases SET last_positive_date = first_specimen_date - 1"],
    "result_specimen_once": [copy("casework.results", id="3")],
    "result_case_has_person": ["UPDATE casework.results SET person_id = NULL WHERE id = 1"],
    "result_positive_in_case": ["UPDATE casework.results SET result = 'positive' WHERE id = 2"],
    "result_of_its_case": [
        "UPDATE casework.results SET person_id = 2 WHERE id = 1",
        "UPDATE casework.results SET case_id = 2 WHERE id = 1",
        "UPDATE casework.results SET case_id = 99 WHERE id = 1",
    ],
    # traces
    "trace_ref_once": ["UPDATE casework.traces SET ref = 'AAA-111'"],
    "trace_one_open_for_person_and_reason": [copy("casework.traces", id="3", ref="'CCC-333'")],
    "trace_one_open_call_for_a_phone": [
        "UPDATE casework.traces SET queued = false, ready_at = now(), claimed_by = 2, claimed_at = now() WHERE id = 1"
    ],
    "trace_one_open_call_for_a_household": [
        "UPDATE casework.traces SET household = 9, phone = '', queued = false, ready_at = now(), claimed_by = 2,"
        " claimed_at = now() WHERE id IN (1, 2)"
    ],
    "trace_claimed_at_by": [
        "UPDATE casework.traces SET claimed_at = NULL WHERE id = 2",
        "UPDATE casework.traces SET claimed_at = now() WHERE id = 1",
        "UPDATE casework.traces SET claimed_by = NULL WHERE id = 2",
    ],
    "trace_queued_is_open_and_free": [
        "UPDATE casework.traces SET queued = true WHERE id = 2",
        "UPDATE casework.traces SET closed_at = now(), outcome = 'reached' WHERE id = 1",
    ],
    "trace_closed_with_outcome": [
        "UPDATE casework.traces SET queued = false, closed_at = now() WHERE id = 1",
        "UPDATE casework.traces SET closed_at = now(), outcome = 'reached' WHERE id = 2",
    ],
    "trace_reached_at_by": [
        "UPDATE casework.traces SET reached_at = now()",
        "UPDATE casework.traces SET reached_by_kind = 'local'",
    ],
    "trace_open_comes_back": ["UPDATE casework.traces SET queued = false WHERE id = 1"],
    "trace_case_has_case": ["UPDATE casework.traces SET case_id = NULL WHERE id = 1"],
    "trace_passes_to_another": ["UPDATE casework.traces SET passes_to_id = team_id"],
    "trace_of_its_case": [
        "UPDATE casework.traces SET case_id = 2 WHERE id = 1",
        "UPDATE casework.traces SET person_id = 2, reason = 'contact' WHERE id = 1",
    ],
    # hand-overs
    "handover_chain": [
        passed(since="18"),  # a gap
        passed(since="16"),  # an overlap
        passed(team=3),  # a team that never had it
        passed(trace=2),  # the history of another trace
        passed(seq=3, previous="2"),  # one left out
    ],
    "handovers_pkey": [passed() + "; " + passed(to=3)],  # a fork
    "handover_chain_end": [
        "ALTER TABLE casework.handovers DROP CONSTRAINT handovers_pkey;"
        + " INSERT INTO casework.handovers SELECT * FROM casework.handovers"
    ],
    "handover_follows": [
        passed(previous="NULL"),
        passed(seq=3),
        passed(trace=2, seq=1),
        passed(trace=2, seq=2, previous="2"),
    ],
    "handover_in_time": ["UPDATE casework.handovers SET at = since - interval '1 second'"],
    "handover_to_another": ["UPDATE casework.handovers SET to_team_id = from_team_id"],
    "handover_seen_at_by": [
        "UPDATE casework.handovers SET seen_at = now()",
        "UPDATE casework.handovers SET seen_by = 1",
    ],
    # notes
    "note_says_something": ["UPDATE casework.notes SET text = ''"],
    "note_answer_has_question": [
        "UPDATE casework.notes SET answers_id = NULL WHERE id = 2",
        "UPDATE casework.notes SET answers_id = 2 WHERE id = 1",
    ],
    "note_question_is_put_to_a_team": [
        "UPDATE casework.notes SET to_team_id = NULL WHERE id = 1",
        "UPDATE casework.notes SET to_team_id = 1, kind = 'note', answers_id = NULL WHERE id = 2",
    ],
    "note_seen_at_by": [
        "UPDATE casework.notes SET seen_at = now()",
        "UPDATE casework.notes SET seen_by = 1",
    ],
    # interviews
    "questionnaire_version_once": [copy("casework.questionnaires", id="9")],
    "questionnaire_version_counts_from_one": ["UPDATE casework.questionnaires SET version = 0 WHERE id = 1001"],
    "interviews_trace_id_key": ["UPDATE casework.interviews SET trace_id = 2 WHERE id = 1"],
    "interview_of_trace": [
        "ALTER TABLE casework.answers DROP CONSTRAINT answer_of_its_interview;"
        " ALTER TABLE casework.interviews DROP CONSTRAINT interviews_trace_id_key, DROP CONSTRAINT interviews_pkey CASCADE; "
        + copy("casework.interviews", version="7")
    ],
    "interview_taken_up_follows": ["UPDATE casework.interviews SET taken_up = latest + 1"],
    "answer_of_its_interview": ["UPDATE casework.answers SET trace_id = 2"],
    "answer_given_by_somebody": [
        "UPDATE casework.answers SET source = 'resident'",
        "UPDATE casework.answers SET user_id = NULL",
        "UPDATE casework.answers SET team_id = NULL",
    ],
    "referral_once": [copy("casework.referrals", id="9")],
    "referral_done_at_by": [
        "UPDATE casework.referrals SET done_at = now()",
        "UPDATE casework.referrals SET done_by = 1",
    ],
    # contacts and places
    "contact_once_for_a_case": [copy("casework.contacts", id="9")],
    "contact_is_not_the_case": ["UPDATE casework.contacts SET person_id = 1"],
    "contact_became_case_at": [
        "UPDATE casework.contacts SET became_case_id = 2",
        "UPDATE casework.contacts SET became_case_at = now()",
    ],
    "contact_withdrawn_with_reason": ["UPDATE casework.contacts SET withdrawn_at = now()"],
    "contact_of_its_case": ["UPDATE casework.contacts SET case_id = 2", "UPDATE casework.contacts SET case_id = 99"],
    "contact_became_own_case": ["UPDATE casework.contacts SET became_case_id = 1, became_case_at = now()"],
    "settings_ref_key": ["UPDATE casework.settings SET ref = 'S1'"],
    "setting_once": ["UPDATE casework.settings SET postcode = 'BB1 1AA'"],
    "setting_merged_at": [
        "UPDATE casework.settings SET merged_into_id = 1 WHERE id = 2",
        "UPDATE casework.settings SET merged_at = now()",
    ],
    "setting_merged_into_another": ["UPDATE casework.settings SET merged_into_id = id, merged_at = now()"],
    "exposure_once": [copy("casework.exposures", id="9")],
    "exposure_days_in_order": ["UPDATE casework.exposures SET until_date = from_date - 1"],
    "exposure_of_its_case": ["UPDATE casework.exposures SET person_id = 2"],
    "isolation_one_for_a_trace": [copy("casework.isolations", id="9")],
    "isolation_days_in_order": [
        "UPDATE casework.isolations SET until_date = from_date - 1",
        "UPDATE casework.isolations SET until_date = NULL",
    ],
    # messages
    "template_version_once": [copy("casework.templates", id="9")],
    "template_says_something": ["UPDATE casework.templates SET body = ''"],
    "messages_ref_key": ["UPDATE casework.messages SET ref = 'M1'"],
    "messages_key_key": ["UPDATE casework.messages SET key = 'k1'"],
    "message_sent_at": [
        "UPDATE casework.messages SET state = 'sent'",
        "UPDATE casework.messages SET state = 'delivered'",
    ],
    "message_not_sent_with_reason": [
        "UPDATE casework.messages SET state = 'failed'",
        "UPDATE casework.messages SET state = 'cancelled'",
    ],
    "message_to_person_or_reader": [
        "UPDATE casework.messages SET person_id = NULL",
        "UPDATE casework.messages SET reader = 1",
    ],
    "digest_choices_user_id_key": [
        "INSERT INTO casework.digest_choices SELECT 9, user_id, wanted, at FROM casework.digest_choices"
    ],
    "opt_out_once": [copy("casework.opt_outs", id="9")],
    "links_token_hash_key": ["UPDATE casework.links SET token_hash = 'a'"],
    "links_knock_hash_key": ["UPDATE casework.links SET knock_hash = 'e'"],
    "links_session_hash_key": ["UPDATE casework.links SET session_hash = 'c'"],
    # local teams and leads
    "attempt_sent_once": [copy("casework.attempts", id="9")],
    "detail_once": [copy("casework.details", id="9")],
    "detail_wrong_at_by": [
        "UPDATE casework.details SET wrong_at = now()",
        "UPDATE casework.details SET wrong_by = 1",
    ],
    "visit_one_planned": [copy("casework.visits", id="9")],
    "visit_finished_at": [
        "UPDATE casework.visits SET state = 'done'",
        "UPDATE casework.visits SET finished_at = now()",
    ],
    "bulk_changes_ref_key": [copy("casework.bulk_changes", id="9")],
    "bulk_change_undone_at_by": [
        "UPDATE casework.bulk_changes SET undone_at = now()",
        "UPDATE casework.bulk_changes SET undone_by = 1",
    ],
    # alerts and incidents
    "alerts_ref_key": ["UPDATE casework.alerts SET ref = 'A1'"],
    "alerts_key_key": ["UPDATE casework.alerts SET key = 'k1'"],
    "alert_days_in_order": ['UPDATE casework.alerts SET "end" = start - 1'],
    "alert_says_why": ["UPDATE casework.alerts SET evidence = ''"],
    "alert_dismissed_at_by_why": [
        "UPDATE casework.alerts SET dismissed_at = now()",
        "UPDATE casework.alerts SET dismissed_by = 1",
        "UPDATE casework.alerts SET dismissed_at = now(), dismissed_by = 1",
    ],
    "alert_day_of_its_alert": ["UPDATE casework.alert_days SET alert_id = 99 WHERE alert_id = 1"],
    "alert_case_once": [copy("casework.alert_cases", id="9")],
    "incidents_ref_key": ["UPDATE casework.incidents SET ref = 'I1'"],
    "incident_has_a_title": ["UPDATE casework.incidents SET title = ''"],
    "incident_with_its_area": [
        "ALTER TABLE casework.incidents DROP CONSTRAINT incidents_pkey CASCADE; "
        + copy("casework.incidents", ref="'I9'")
    ],
    "incident_closed_at_by_outcome": [
        "UPDATE casework.incidents SET closed_at = now()",
        "UPDATE casework.incidents SET closed_at = now(), closed_by = 1",
        "UPDATE casework.incidents SET outcome = 'over'",
    ],
    "incident_area_once": [copy("casework.incident_areas", id="9")],
    "incident_area_agreed_at_by": [
        "UPDATE casework.incident_areas SET agreed_at = now()",
        "UPDATE casework.incident_areas SET agreed_by = 1",
    ],
    "incident_area_is_not_the_lead": ["UPDATE casework.incident_areas SET area = lead"],
    "incident_area_asked_with_reason": ["UPDATE casework.incident_areas SET why = ''"],
    "incident_area_ended_at_by_why": [
        "UPDATE casework.incident_areas SET ended_at = now(), ended_why = 'x'",
        "UPDATE casework.incident_areas SET ended_by = 1",
        "UPDATE casework.incident_areas SET ended_at = now(), ended_by = 1",
    ],
    "incident_area_of_its_lead": ["UPDATE casework.incident_areas SET lead = 'E06000016'"],
    "incident_case_once": [copy("casework.incident_cases", id="9")],
    "incident_case_removed_at_by_why": [
        "UPDATE casework.incident_cases SET removed_at = now()",
        "UPDATE casework.incident_cases SET removed_at = now(), removed_by = 1",
    ],
    "incident_case_added_with_reason": ["UPDATE casework.incident_cases SET why = ''"],
    "incident_setting_once": [copy("casework.incident_settings", id="9")],
    "incident_setting_removed_at_by_why": ["UPDATE casework.incident_settings SET removed_at = now()"],
    "incident_setting_added_with_reason": ["UPDATE casework.incident_settings SET why = ''"],
    "incident_action_says_what": ["UPDATE casework.incident_actions SET what = ''"],
    "incident_action_has_owner": ["UPDATE casework.incident_actions SET due_on = '2026-11-20'"],
    "incident_action_done_at_by": [
        "UPDATE casework.incident_actions SET done_at = now()",
        "UPDATE casework.incident_actions SET done_by = 1",
    ],
    "saved_view_once": [copy("casework.saved_views", id="9")],
    # deliveries
    "deliveries_ref_key": ["UPDATE casework.deliveries SET ref = 'D1'"],
    "delivery_same_bytes_once": ["UPDATE casework.deliveries SET sha256 = 'aaaa'"],
    "delivery_balances": [
        "UPDATE casework.deliveries SET rows = 4 WHERE id = 1",
        "UPDATE casework.deliveries SET accepted = 0 WHERE id = 1",
        "UPDATE casework.deliveries SET status = 'done', rows = 1 WHERE id = 2",
    ],
    "delivery_refused_with_reason": ["UPDATE casework.deliveries SET status = 'refused' WHERE id = 2"],
    "chunk_in_order": ["UPDATE casework.delivery_chunks SET number = 0"],
    "part_once": ["UPDATE casework.delivery_parts SET number = 0"],
    "part_balances": ["UPDATE casework.delivery_parts SET accepted = accepted + 1"],
    "quarantine_row_once": ["UPDATE casework.quarantines SET row_number = 3"],
    "quarantine_settled_at_by": [
        "UPDATE casework.quarantines SET settled_at = now()",
        "UPDATE casework.quarantines SET settled_by = 1",
    ],
}

#: What is right next to it, and must stay possible.
RIGHT = [
    "UPDATE accounts.memberships SET until_at = from_at",
    "UPDATE casework.people SET nhs_number = NULL, match_key = 0",
    copy("casework.people", id="3", nhs_number="'9990000026'", match_key="22"),
    "UPDATE casework.traces SET queued = false, closed_at = now(), outcome = 'reached' WHERE id = 1; "
    + copy("casework.traces", id="3", ref="'CCC-333'", queued="true", closed_at="NULL::text", outcome="''"),
    "UPDATE casework.traces SET phone = ''; UPDATE casework.traces SET queued = false, ready_at = now(),"
    " claimed_by = 2, claimed_at = now() WHERE id = 1",
    passed(),
    passed() + "; " + passed(seq=3, previous="2", team=1, since="20", to=2),
    passed(trace=2, seq=1, previous="NULL", team=1, since="16", to=2),
    copy("casework.deliveries", id="3", ref="'D3'", status="'arriving'"),
    "UPDATE casework.deliveries SET rows = 7 WHERE id = 2",
    "UPDATE accounts.teams SET closed_at = now() WHERE id = 1; "
    + copy("accounts.teams", id="9", closed_at="NULL::text"),
]


@pytest.fixture(scope="module")
def based(django_db_setup: Database) -> Iterator[Connection]:
    """The rows of ``BASE``, in a transaction that is taken back, for somebody whom no wall stops."""
    with psycopg.connect(django_db_setup.server.admin(django_db_setup.name), autocommit=True) as connection:
        connection.execute("SET search_path = casework, audit, partnerships, accounts, geography, public")
        with connection.transaction(force_rollback=True):
            connection.execute(BASE.encode())
            yield connection


@pytest.fixture
def rows(based: Connection) -> Iterator[Connection]:
    """The same for one test, which changes nothing for the next."""
    with based.transaction(force_rollback=True):
        yield based


def named(connection: Connection) -> set[str]:
    """The rules of the schemas that have a name of their own; identities are left out, but for the fork's."""
    found = connection.execute(
        """
        SELECT c.conname FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace
        WHERE n.nspname = ANY (%(schemas)s) AND c.contype IN ('c', 'f', 'u', 'x') AND c.conname !~ %(plain)s
            AND NOT (c.contype = 'f' AND c.conname ~ '_fk_')
        UNION
        SELECT x.relname FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
        JOIN pg_namespace n ON n.oid = x.relnamespace
        WHERE n.nspname = ANY (%(schemas)s) AND i.indisunique
            AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.indexrelid)
        """,
        {"schemas": SCHEMAS, "plain": NO_NEGATIVES},
    ).fetchall()
    return {str(name) for (name,) in found} | {"handovers_pkey"}


def test_every_rule_is_tried(rows: Connection) -> None:
    assert named(rows) == set(BROKEN)


def test_every_rule_of_the_models_is_in_the_database(rows: Connection) -> None:
    from django.apps import apps

    wanted = {
        constraint.name
        for label in SCHEMAS
        for model in apps.get_app_config(label).get_models()
        for constraint in model._meta.constraints
    }
    assert len(wanted) > 40
    assert wanted <= named(rows)


@pytest.mark.parametrize(("rule", "statement"), [(rule, each) for rule, those in BROKEN.items() for each in those])
def test_it_holds(rows: Connection, rule: str, statement: str) -> None:
    with pytest.raises(psycopg.errors.IntegrityError) as broken, rows.transaction():
        rows.execute(statement.encode())
    assert broken.value.diag.constraint_name == rule


@pytest.mark.parametrize("statement", RIGHT)
def test_it_forbids_no_more_than_that(rows: Connection, statement: str) -> None:
    rows.execute(statement.encode())


def columns(connection: Connection, condition: str) -> list[tuple[str, str, str]]:
    found = connection.execute(
        "SELECT c.conrelid::regclass::text, a.attname, c.conname FROM pg_constraint c"
        " JOIN pg_namespace n ON n.oid = c.connamespace"
        " JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]"
        f" WHERE n.nspname = ANY (%s) AND {condition} ORDER BY 1, 2",
        [SCHEMAS],
    ).fetchall()
    return [(str(table), str(column), str(name)) for table, column, name in found]


def test_no_count_is_negative(rows: Connection) -> None:
    found = columns(rows, f"c.contype = 'c' AND c.conname ~ '{NO_NEGATIVES}'")
    assert len(found) > 10
    for table, column, name in found:
        # An address is kept as a hash of 32 bytes: what is not that long is refused.
        value = "'x'" if (table, column) == ("knocks", "address") else "-1"
        with pytest.raises(psycopg.errors.CheckViolation) as broken, rows.transaction():
            rows.execute(f"UPDATE {table} SET {column} = {value}".encode())
        # Where a rule with a name of its own forbids it as well, that one may speak first.
        assert broken.value.diag.constraint_name in {name, *BROKEN}


def test_what_is_referred_to_exists(rows: Connection) -> None:
    found = columns(rows, "c.contype = 'f' AND c.conname ~ '_fk_'")
    assert len(found) > 8
    for table, column, name in found:
        missing = "'X'" if column == "area" else "987654"
        if table == "partnerships.partnerships":
            statement = copy(table, area="'X'")
        elif (table, column) == ("memberships", "granted_by_id"):
            statement = "UPDATE memberships SET granted_by_id = 987654"
        elif (table, column) == ("notes", "answers_id"):
            statement = "UPDATE notes SET answers_id = 987654 WHERE kind = 'answer'"
        elif (table, column) == ("memberships", "area"):
            statement = "UPDATE memberships SET team_id = NULL, area = 'X'"
        elif (table, column) == ("cases", "person_id"):
            statement = copy("cases", id="9", person_id=missing)
        elif (table, column) == ("settings", "merged_into_id"):
            statement = "UPDATE settings SET merged_into_id = 987654, merged_at = now() WHERE id = 1"
        elif (table, column) == ("interviews", "trace_id"):
            statement = "DELETE FROM answers; UPDATE interviews SET trace_id = 987654 WHERE id = 1"
        elif (table, column) == ("handovers", "trace_id"):
            statement = passed(trace=987654, seq=1, previous="NULL", team=1, since="16", to=2)
        else:
            statement = f"UPDATE {table} SET {column} = {missing} WHERE ctid = (SELECT min(ctid) FROM {table})"
        with pytest.raises(psycopg.errors.ForeignKeyViolation) as broken, rows.transaction():
            rows.execute(statement.encode())
        assert broken.value.diag.constraint_name == name, (table, column)


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("traces", "team_id"),
        ("traces", "area"),
        ("traces", "person_id"),
        ("traces", "owned_since"),
        ("traces", "due_at"),
        ("handovers", "from_team_id"),
        ("handovers", "since"),
        ("handovers", "at"),
        ("cases", "person_id"),
        ("attempts", "user_id"),
        ("standings", "area"),
        ("deliveries", "received_at"),
    ],
)
def test_it_is_never_unknown(rows: Connection, table: str, column: str) -> None:
    """A trace has one owner, always; a hand-over has both its teams."""
    with pytest.raises(psycopg.errors.NotNullViolation), rows.transaction():
        rows.execute(f"UPDATE {table} SET {column} = NULL".encode())


# History


def history(connection: Connection, table: str) -> list[tuple[object, ...]]:
    return connection.execute(
        f"SELECT id, updated_at, replaced_by FROM {table}_history ORDER BY history_id".encode()
    ).fetchall()


@pytest.mark.parametrize("table", ["people", "cases"])
def test_what_a_row_was_before_is_kept(rows: Connection, table: str) -> None:
    before = rows.execute(f"SELECT * FROM {table} WHERE id = 1".encode()).fetchone()
    assert before is not None
    rows.execute(f"UPDATE {table} SET updated_at = '2026-11-18' WHERE id = 1".encode())
    rows.execute(f"UPDATE {table} SET updated_at = '2026-11-19'".encode())
    kept = history(rows, table)
    assert [each[0] for each in kept[:1]] == [1]
    assert sorted(each[0] for each in kept[1:]) == [1, 2]  # type: ignore[type-var]
    whole = rows.execute(f"SELECT * FROM {table}_history WHERE id = 1 ORDER BY history_id LIMIT 1".encode()).fetchone()
    assert whole is not None and whole[3:] == before
    assert {each[2] for each in kept} == {"owner"}


def test_what_is_deleted_is_kept(rows: Connection) -> None:
    rows.execute(b"SET LOCAL session_replication_role = origin")
    linked = (
        "alert_cases, incident_cases, moves_due, answers, interviews, referrals, contacts, exposures, visits, messages,"
        " links, details"
    )
    rows.execute(f"TRUNCATE {linked}".encode())
    for table in ("results", "attempts", "notes", "handovers", "traces", "cases", "standings", "people"):
        rows.execute(f"DELETE FROM {table}".encode())
    assert sorted(each[0] for each in history(rows, "people")) == [1, 2]  # type: ignore[type-var]
    assert sorted(each[0] for each in history(rows, "cases")) == [1, 2]  # type: ignore[type-var]


def test_an_update_of_nothing_keeps_nothing(rows: Connection) -> None:
    rows.execute(b"UPDATE people SET updated_at = now() WHERE false")
    assert history(rows, "people") == []


def test_the_history_has_the_columns_of_its_table_in_their_order(rows: Connection) -> None:
    """The trigger keeps whole rows: a column added to one of the two alone would break it."""
    for table in ("people", "cases"):
        of: Callable[[str], list[tuple[object, ...]]] = lambda name: rows.execute(  # noqa: E731
            "SELECT attname, atttypid FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
            " AND NOT attisdropped ORDER BY attnum",
            [name],
        ).fetchall()
        assert of(f"casework.{table}_history")[3:] == of(f"casework.{table}")
