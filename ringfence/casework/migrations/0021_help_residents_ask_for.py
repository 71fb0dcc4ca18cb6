"""Help that a resident asks for on their own page goes to the council's support in the same step."""

from django.db import migrations

from ringfence.base.migration import InSchema

FORWARDS = """
GRANT SELECT, INSERT, UPDATE (note) ON referrals TO ringfence_gate;
CREATE POLICY referrals_gate ON referrals TO ringfence_gate USING (true) WITH CHECK (true);
GRANT USAGE ON SEQUENCE referrals_id_seq TO ringfence_gate;

CREATE FUNCTION refer_resident() RETURNS trigger LANGUAGE plpgsql SET search_path = casework, pg_catalog, pg_temp AS $$
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
REVOKE ALL ON FUNCTION refer_resident() FROM PUBLIC;
CREATE TRIGGER answers_refer AFTER INSERT ON answers FOR EACH ROW
    WHEN (NEW.source = 'resident' AND NEW.question IN ('support', 'support_note', 'needs_help'))
    EXECUTE FUNCTION refer_resident();
"""

BACKWARDS = """
DROP TRIGGER answers_refer ON answers;
DROP FUNCTION refer_resident();
DROP POLICY referrals_gate ON referrals;
REVOKE ALL ON referrals FROM ringfence_gate;
REVOKE USAGE ON SEQUENCE referrals_id_seq FROM ringfence_gate;
"""


class Migration(migrations.Migration):
    dependencies = [("casework", "0020_answers_are_new_until_seen")]

    operations = [InSchema("casework"), migrations.RunSQL(FORWARDS, BACKWARDS)]
