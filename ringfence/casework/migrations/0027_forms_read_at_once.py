"""A resident's form is read as fast after a hundred answers as after one: what it asks is looked through once."""

from django.db import migrations

from ringfence.base.migration import InSchema

FORWARDS = """
-- The questions that are for residents to answer, and of what kind each is.
CREATE FUNCTION resident_kinds(p_body jsonb) RETURNS TABLE (question text, kind text) LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT q.question ->> 'key', q.question ->> 'kind' FROM jsonb_array_elements(p_body -> 'sections') AS s (section),
        jsonb_array_elements(s.section -> 'questions') AS q (question)
    WHERE q.question ->> 'kind' <> 'advice' AND coalesce(q.question ->> 'asked_by', 'both') <> 'tracer';
END;
GRANT CREATE ON SCHEMA casework TO ringfence_gate;
ALTER FUNCTION resident_kinds OWNER TO ringfence_gate;
REVOKE CREATE ON SCHEMA casework FROM ringfence_gate;
REVOKE ALL ON FUNCTION resident_kinds FROM PUBLIC;

CREATE OR REPLACE FUNCTION resident_kind(p_body jsonb, p_question text) RETURNS text LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT k.kind FROM resident_kinds(p_body) k WHERE k.question = p_question;
END;

-- The latest answer of each question, and only then of what kind it is.
CREATE OR REPLACE FUNCTION resident_read(p_session text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = casework, pg_catalog, pg_temp AS $$
DECLARE
    here links := resident_session(p_session);
    found jsonb;
BEGIN
    IF here.id IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT jsonb_build_object(
        'given_name', p.given_name,
        'under_18', p.birth_date > (clock_timestamp() AT TIME ZONE 'Europe/London')::date - interval '18 years',
        'specimen', c.first_specimen_date,
        'onset', c.onset_date,
        'questionnaire', q.body,
        'finished', i.resident_completed_at IS NOT NULL,
        'over', t.closed_at IS NOT NULL OR i.completed_at IS NOT NULL,
        'rules', (SELECT coalesce(jsonb_agg(jsonb_build_array(r.from_date, r.policy) ORDER BY r.from_date), '[]')
            FROM partnerships.service_rules r),
        'answers', (SELECT coalesce(jsonb_object_agg(n.question, CASE
                WHEN n.source = 'resident' THEN jsonb_build_object('value', n.value)
                WHEN k.kind IN ('people', 'places') THEN jsonb_build_object('theirs', true, 'value', (
                    SELECT o.value FROM answers o
                    WHERE o.interview_id = i.id AND o.question = n.question AND o.source = 'resident'
                    ORDER BY o.id DESC LIMIT 1))
                WHEN k.kind IN ('yes_no', 'choice', 'choices', 'date')
                    THEN jsonb_build_object('theirs', true, 'value', n.value)
                ELSE jsonb_build_object('theirs', true, 'value', NULL)
                END), '{}')
            FROM (SELECT DISTINCT ON (a.question) a.question, a.source, a.value FROM answers a
                WHERE a.interview_id = i.id ORDER BY a.question, a.id DESC) n
            JOIN resident_kinds(q.body) k ON k.question = n.question))
    INTO found
    FROM interviews i JOIN traces t ON t.id = i.trace_id JOIN people p ON p.id = t.person_id
    JOIN questionnaires q ON q.id = i.questionnaire_id LEFT JOIN cases c ON c.id = t.case_id
    WHERE i.trace_id = here.trace_id;
    RETURN found;
END $$;
"""

BACKWARDS = """
SET LOCAL search_path = casework, public;

CREATE OR REPLACE FUNCTION resident_kind(p_body jsonb, p_question text) RETURNS text LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT q.question ->> 'kind' FROM jsonb_array_elements(p_body -> 'sections') AS s (section),
        jsonb_array_elements(s.section -> 'questions') AS q (question)
    WHERE q.question ->> 'key' = p_question AND q.question ->> 'kind' <> 'advice'
        AND coalesce(q.question ->> 'asked_by', 'both') <> 'tracer';
END;

CREATE OR REPLACE FUNCTION resident_read(p_session text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = casework, pg_catalog, pg_temp AS $$
DECLARE
    here links := resident_session(p_session);
    found jsonb;
BEGIN
    IF here.id IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT jsonb_build_object(
        'given_name', p.given_name,
        'under_18', p.birth_date > (clock_timestamp() AT TIME ZONE 'Europe/London')::date - interval '18 years',
        'specimen', c.first_specimen_date,
        'onset', c.onset_date,
        'questionnaire', q.body,
        'finished', i.resident_completed_at IS NOT NULL,
        'over', t.closed_at IS NOT NULL OR i.completed_at IS NOT NULL,
        'rules', (SELECT coalesce(jsonb_agg(jsonb_build_array(r.from_date, r.policy) ORDER BY r.from_date), '[]')
            FROM partnerships.service_rules r),
        'answers', (SELECT coalesce(jsonb_object_agg(a.question, a.given), '{}') FROM (
            SELECT DISTINCT ON (n.question) n.question, CASE
                WHEN n.source = 'resident' THEN jsonb_build_object('value', n.value)
                WHEN k.kind IN ('people', 'places') THEN jsonb_build_object('theirs', true, 'value', (
                    SELECT o.value FROM answers o
                    WHERE o.interview_id = i.id AND o.question = n.question AND o.source = 'resident'
                    ORDER BY o.id DESC LIMIT 1))
                WHEN k.kind IN ('yes_no', 'choice', 'choices', 'date')
                    THEN jsonb_build_object('theirs', true, 'value', n.value)
                ELSE jsonb_build_object('theirs', true, 'value', NULL)
                END AS given
            FROM answers n CROSS JOIN LATERAL (SELECT resident_kind(q.body, n.question) AS kind) k
            WHERE n.interview_id = i.id AND k.kind IS NOT NULL
            ORDER BY n.question, n.id DESC) a))
    INTO found
    FROM interviews i JOIN traces t ON t.id = i.trace_id JOIN people p ON p.id = t.person_id
    JOIN questionnaires q ON q.id = i.questionnaire_id LEFT JOIN cases c ON c.id = t.case_id
    WHERE i.trace_id = here.trace_id;
    RETURN found;
END $$;

DROP FUNCTION resident_kinds(jsonb);
"""


class Migration(migrations.Migration):
    dependencies = [("casework", "0026_alerts_by_day_and_moves_that_wait")]

    operations = [InSchema("casework"), migrations.RunSQL(FORWARDS, BACKWARDS)]
