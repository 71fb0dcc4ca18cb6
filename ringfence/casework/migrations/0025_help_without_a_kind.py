"""A resident who wants help and says not what is passed on to the council's support all the same."""

from django.db import migrations

from ringfence.base.migration import InSchema

FORWARDS = """
GRANT DELETE ON referrals TO ringfence_gate;

CREATE OR REPLACE FUNCTION refer_resident() RETURNS trigger LANGUAGE plpgsql SET search_path = casework, pg_catalog, pg_temp AS $$
DECLARE
    not_said CONSTANT text := 'Asked for help; what would help was not said.';
BEGIN
    -- Once they say what would help, or that nothing is needed, what was passed on for want of that is taken back.
    DELETE FROM referrals r WHERE r.trace_id = NEW.trace_id AND r.kind = 'other' AND r.user_id IS NULL AND r.done_at IS NULL
        AND NOT EXISTS (SELECT 1 FROM answers a WHERE a.interview_id = NEW.interview_id AND a.question = 'support'
            AND a.value @> '["other"]');
    INSERT INTO referrals (trace_id, person_id, kind, note, area, at)
    SELECT t.id, t.person_id, k.kind, left(coalesce(nullif(said.note, ''), k.note), 500), coalesce(nullif(t.authority, ''), t.area), NEW.at
    FROM traces t CROSS JOIN LATERAL (
        SELECT
            (SELECT a.value FROM answers a WHERE a.interview_id = NEW.interview_id AND a.question = 'support'
                ORDER BY a.id DESC LIMIT 1) AS kinds,
            (SELECT a.value #>> '{}' FROM answers a WHERE a.interview_id = NEW.interview_id
                AND a.question = 'support_note' ORDER BY a.id DESC LIMIT 1) AS note,
            (SELECT a.value FROM answers a WHERE a.interview_id = NEW.interview_id AND a.question = 'needs_help'
                ORDER BY a.id DESC LIMIT 1) AS needs
    ) said CROSS JOIN LATERAL (
        SELECT e.kind, '' AS note FROM jsonb_array_elements_text(
            CASE WHEN jsonb_typeof(said.kinds) = 'array' THEN said.kinds ELSE '[]' END) AS e (kind)
        UNION ALL SELECT 'other', not_said WHERE coalesce(said.kinds, '[]') IN ('[]', 'null')
    ) k
    WHERE t.id = NEW.trace_id AND said.needs = 'true'::jsonb
        AND k.kind IN ('food', 'medicine', 'money', 'care', 'language', 'other')
    ON CONFLICT (trace_id, kind) DO UPDATE SET note = excluded.note WHERE referrals.done_at IS NULL;
    RETURN NULL;
END $$;
"""

BACKWARDS = """
SET LOCAL search_path = casework, public;
REVOKE DELETE ON referrals FROM ringfence_gate;

CREATE OR REPLACE FUNCTION refer_resident() RETURNS trigger LANGUAGE plpgsql SET search_path = casework, pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO referrals (trace_id, person_id, kind, note, area, at)
    SELECT t.id, t.person_id, k.kind, left(coalesce(said.note, ''), 500), coalesce(nullif(t.authority, ''), t.area), NEW.at
    FROM traces t CROSS JOIN LATERAL (
        SELECT
            (SELECT a.value FROM answers a WHERE a.interview_id = NEW.interview_id AND a.question = 'support'
                ORDER BY a.id DESC LIMIT 1) AS kinds,
            (SELECT a.value #>> '{}' FROM answers a WHERE a.interview_id = NEW.interview_id
                AND a.question = 'support_note' ORDER BY a.id DESC LIMIT 1) AS note,
            (SELECT a.value FROM answers a WHERE a.interview_id = NEW.interview_id AND a.question = 'needs_help'
                ORDER BY a.id DESC LIMIT 1) AS needs
    ) said CROSS JOIN LATERAL jsonb_array_elements_text(
        CASE WHEN jsonb_typeof(said.kinds) = 'array' THEN said.kinds ELSE '[]' END) AS k (kind)
    WHERE t.id = NEW.trace_id AND said.needs = 'true'::jsonb
        AND k.kind IN ('food', 'medicine', 'money', 'care', 'language', 'other')
    ON CONFLICT (trace_id, kind) DO UPDATE SET note = excluded.note WHERE referrals.done_at IS NULL;
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("casework", "0024_incidents_across_authorities")]

    operations = [InSchema("casework"), migrations.RunSQL(FORWARDS, BACKWARDS)]
