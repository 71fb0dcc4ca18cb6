"""One call for a household: nobody of it is called while another is, one call speaks for several, a tried number rests.

What the ticket's holder may do to traces of other teams is bounded by a call that they made themselves: to those of the
same household as whom they reached, and of the same number as they called.
"""

from django.db import migrations, models

from ringfence.base.migration import InSchema

CLAIM = """
CREATE OR REPLACE FUNCTION claim(p_ticket text, p_team bigint, p_shard integer, p_now timestamptz, p_lapse interval)
RETURNS TABLE (id bigint, ref varchar, version integer, person_id bigint, resumed boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = casework, pg_catalog, pg_temp AS $$
DECLARE
    parts text[] := walls.read(p_ticket);
    actor bigint;
BEGIN
    IF parts IS NULL OR parts[1] <> 'person' OR NOT p_team::text = ANY (string_to_array(parts[3], ',')) THEN
        RAISE EXCEPTION 'this ticket does not let you take traces of team %', p_team
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    actor := parts[2]::bigint;
    FOR step IN 0..15 LOOP
        RETURN QUERY
            WITH mine AS MATERIALIZED (
                SELECT t.id, t.ref, t.version, t.person_id FROM traces t
                WHERE t.claimed_by = actor AND t.claimed_at IS NOT NULL AND t.team_id = p_team AND t.ready_at > p_now
                ORDER BY t.claimed_at, t.id LIMIT 1
            ), pick AS MATERIALIZED (
                SELECT q.id FROM traces q
                WHERE q.team_id = p_team AND q.queued AND q.shard = (p_shard + step) % 16
                    -- A value and not an EXISTS: as a join it would be planned by a guess of how many calls are open.
                    AND coalesce((SELECT false FROM traces o
                        WHERE o.phone = q.phone AND o.phone <> '' AND o.claimed_by IS NOT NULL LIMIT 1), true)
{household}
                    AND NOT EXISTS (SELECT 1 FROM mine)
                ORDER BY q.priority, q.due_at, q.id
                LIMIT 1 FOR UPDATE SKIP LOCKED
            ), taken AS (
                UPDATE traces t
                SET queued = false, claimed_by = actor, claimed_at = p_now, ready_at = p_now + p_lapse,
                    version = t.version + 1
                FROM pick WHERE t.id = pick.id
                RETURNING t.id, t.ref, t.version, t.person_id, t.area
            ), told AS (
                INSERT INTO audit.events (at, user_id, scope, verb, opened, person_id, trace_id, team_id, area)
                SELECT p_now, actor, 'person', 'trace.claimed', true, k.person_id, k.id, p_team, k.area FROM taken k
            )
            SELECT k.id, k.ref, k.version, k.person_id, false FROM taken k
            UNION ALL SELECT m.id, m.ref, m.version, m.person_id, true FROM mine m;
        IF FOUND THEN
            RETURN;
        END IF;
    END LOOP;
END $$;
"""

AT_HOME = """
                    AND coalesce((SELECT false FROM traces o
                        WHERE o.household = q.household AND o.household IS NOT NULL AND o.claimed_by IS NOT NULL
                        LIMIT 1), true)
"""

CALLED_RECENTLY = """
CREATE OR REPLACE FUNCTION called_recently(p_trace bigint, p_since timestamptz)
RETURNS TABLE (at timestamptz, team_id bigint, kind varchar, outcome varchar, same_number boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = casework, pg_catalog, pg_temp AS $$
DECLARE
    teams bigint[] := walls.teams();
    areas text[] := walls.areas();
    self traces;
BEGIN
    SELECT t.* INTO self FROM traces t
    WHERE t.id = p_trace AND (t.team_id = ANY (teams) OR t.authority = ANY (areas) OR t.national_team_id = ANY (teams)
        OR t.from_team_id = ANY (teams));
    IF NOT FOUND THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT a.at, a.team_id, a.kind, a.outcome, bool_or(a.same_number) FROM (
            SELECT n.id, n.at, n.team_id, n.kind, n.outcome, true AS same_number FROM attempts n
            WHERE n.number = self.phone AND n.number <> '' AND n.at >= p_since AND n.trace_id <> self.id{through}
            UNION ALL
            SELECT n.id, n.at, n.team_id, n.kind, n.outcome, false FROM traces o JOIN attempts n ON n.trace_id = o.id
            WHERE o.household = self.household AND o.id <> self.id AND n.at >= p_since{through}
        ) a
        GROUP BY a.id, a.at, a.team_id, a.kind, a.outcome
        ORDER BY a.at DESC LIMIT 20;
END $$;
"""

HOUSEHOLDS = """
-- The other open traces of a home, whichever team has them, for those who work on one of them or answer for the area. Who
-- they are is asked of people, where the wall decides.
CREATE FUNCTION at_home(p_trace bigint)
RETURNS TABLE (id bigint, ref varchar, reason varchar, person_id bigint, team_id bigint, claimed_by bigint,
    ready_at timestamptz, version integer)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = casework, pg_catalog, pg_temp AS $$
DECLARE
    teams bigint[] := walls.teams();
    areas text[] := walls.areas();
BEGIN
    RETURN QUERY
        SELECT o.id, o.ref, o.reason, o.person_id, o.team_id, o.claimed_by, o.ready_at, o.version
        FROM traces t JOIN traces o ON o.household = t.household AND o.id <> t.id AND o.closed_at IS NULL
        WHERE t.id = p_trace AND t.household IS NOT NULL AND (t.team_id = ANY (teams) OR t.authority = ANY (areas))
        ORDER BY o.reason, o.id LIMIT 50;
END $$;

-- Close the open traces of a home as reached through a try that reached somebody of it. Whoever has the ticket made the
-- try, for a team of theirs, at this moment or in the hours before; the worker speaks for what an interview says.
CREATE FUNCTION speak_for(p_ticket text, p_attempt bigint, p_others bigint[], p_now timestamptz)
RETURNS TABLE (id bigint, person_id bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = casework, accounts, pg_catalog, pg_temp AS $$
DECLARE
    parts text[] := walls.read(p_ticket);
    said attempts;
    first traces;
    of_kind text;
BEGIN
    SELECT a.* INTO said FROM attempts a WHERE a.id = p_attempt AND a.outcome = 'reached' AND a.through_id IS NULL;
    IF parts IS NULL OR NOT coalesce(
        parts[1] = 'interviews' OR parts[1] = 'person' AND said.user_id = parts[2]::bigint
            AND said.team_id::text = ANY (string_to_array(parts[3], ','))
            AND said.at <= p_now AND said.at > p_now - interval '12 hours', false)
    THEN
        RAISE EXCEPTION 'this ticket does not let you speak for others' USING ERRCODE = 'insufficient_privilege';
    END IF;
    SELECT t.* INTO first FROM traces t WHERE t.id = said.trace_id;
    SELECT k.kind INTO of_kind FROM teams k WHERE k.id = said.team_id;
    RETURN QUERY
        WITH others AS MATERIALIZED (
            SELECT o.id FROM traces o
            WHERE o.id = ANY (p_others) AND o.household = first.household AND o.id <> first.id AND o.closed_at IS NULL
                AND (o.claimed_by IS NULL OR o.claimed_by = said.user_id OR o.ready_at <= p_now)
            ORDER BY o.id FOR UPDATE SKIP LOCKED
        ), told AS (
            UPDATE traces t
            SET queued = false, ready_at = NULL, claimed_by = NULL, claimed_at = NULL, outcome = 'reached',
                closed_at = greatest(p_now, t.created_at), reached_at = greatest(said.at, t.created_at),
                reached_by_kind = of_kind, version = t.version + 1
            FROM others WHERE t.id = others.id
            RETURNING t.id, t.person_id, t.team_id, t.area
        ), written AS (
            INSERT INTO attempts (trace_id, at, recorded_at, user_id, team_id, kind, outcome, number, note, through_id)
            SELECT k.id, said.at, p_now, said.user_id, said.team_id, said.kind, 'reached', '', '', said.id FROM told k
        ), audited AS (
            INSERT INTO audit.events (at, user_id, scope, verb, person_id, trace_id, team_id, area, detail)
            SELECT p_now, said.user_id, parts[1], 'trace.spoken_for', k.person_id, k.id, k.team_id, k.area,
                jsonb_build_object('through', first.id)
            FROM told k
        )
        SELECT k.id, k.person_id FROM told k;
END $$;

-- After a call the number and the home rest, whichever team has the other traces: none comes back before. Who has one open
-- is left alone. The caller's own call on the trace, just made, is what allows it.
CREATE FUNCTION rest_home(p_trace bigint, p_now timestamptz, p_until timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = casework, pg_catalog, pg_temp AS $$
DECLARE
    actor bigint := walls.user_id();
    teams bigint[] := walls.teams();
    tried attempts;
    home bigint;
    many integer;
BEGIN
    SELECT a.* INTO tried FROM attempts a
    WHERE a.trace_id = p_trace AND a.user_id = actor AND actor > 0 AND a.team_id = ANY (teams) AND a.kind = 'call'
        AND a.through_id IS NULL AND a.at = p_now
    ORDER BY a.id DESC LIMIT 1;
    IF NOT FOUND OR p_until > p_now + interval '1 day' THEN
        RETURN 0;
    END IF;
    SELECT t.household INTO home FROM traces t WHERE t.id = p_trace;
    UPDATE traces t SET queued = false, ready_at = p_until
    FROM (
        SELECT o.id FROM traces o WHERE o.id IN (
            SELECT h.id FROM traces h WHERE h.household = home AND h.closed_at IS NULL
            UNION ALL
            SELECT n.id FROM people p JOIN traces n ON n.person_id = p.id AND n.closed_at IS NULL
            WHERE p.phone = tried.number AND p.phone <> '' AND n.phone = tried.number)
            AND o.id <> p_trace AND o.closed_at IS NULL AND o.claimed_by IS NULL
            AND (o.queued OR o.ready_at < p_until)
        ORDER BY o.id FOR UPDATE SKIP LOCKED
    ) r WHERE t.id = r.id;
    GET DIAGNOSTICS many = ROW_COUNT;
    RETURN many;
END $$;

GRANT INSERT ON attempts TO ringfence_gate;
GRANT USAGE ON SEQUENCE attempts_id_seq TO ringfence_gate;
GRANT UPDATE (outcome, closed_at, reached_at, reached_by_kind) ON traces TO ringfence_gate;
GRANT CREATE ON SCHEMA casework TO ringfence_gate;
ALTER FUNCTION at_home OWNER TO ringfence_gate;
ALTER FUNCTION speak_for OWNER TO ringfence_gate;
ALTER FUNCTION rest_home OWNER TO ringfence_gate;
REVOKE CREATE ON SCHEMA casework FROM ringfence_gate;
REVOKE ALL ON FUNCTION at_home, speak_for, rest_home FROM PUBLIC;
GRANT EXECUTE ON FUNCTION at_home, speak_for, rest_home TO ringfence_app;
GRANT EXECUTE ON FUNCTION speak_for TO ringfence_worker;
"""

HOUSEHOLDS_BACK = """
SET LOCAL search_path = casework, public;
DROP FUNCTION at_home(bigint);
DROP FUNCTION speak_for(text, bigint, bigint[], timestamptz);
DROP FUNCTION rest_home(bigint, timestamptz, timestamptz);
REVOKE UPDATE (outcome, closed_at, reached_at, reached_by_kind) ON traces FROM ringfence_gate;
REVOKE USAGE ON SEQUENCE attempts_id_seq FROM ringfence_gate;
REVOKE INSERT ON attempts FROM ringfence_gate;
"""


def both(through: str, household: str) -> str:
    return CALLED_RECENTLY.replace("{through}", through) + CLAIM.replace("{household}\n", household.lstrip("\n"))


class Migration(migrations.Migration):
    dependencies = [("casework", "0013_residents")]

    operations = [
        InSchema("casework"),
        migrations.AddConstraint(
            "trace",
            models.UniqueConstraint(
                fields=["household"],
                condition=models.Q(claimed_by__isnull=False) & models.Q(household__isnull=False),
                name="trace_one_open_call_for_a_household",
            ),
        ),
        migrations.AddIndex(
            "person", models.Index(fields=["phone"], name="person_phone", condition=~models.Q(phone=""))
        ),
        migrations.AddIndex(
            "isolation",
            models.Index(
                fields=["computed_at"],
                name="isolation_changed",
                condition=models.Q(superseded_at=None) & ~models.Q(because=""),
            ),
        ),
        migrations.RunSQL(both(" AND n.through_id IS NULL", AT_HOME) + HOUSEHOLDS, HOUSEHOLDS_BACK + both("", "")),
    ]
