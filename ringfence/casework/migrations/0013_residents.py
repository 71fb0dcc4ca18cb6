"""What a resident's own pages may do: five functions for a link and its session, and no right on any table.

The role ``ringfence_resident`` holds no ticket and no key to sign one. The functions ask for a secret instead: that of a
link with a birth date to enter, that of a session for everything else; a session reaches the interview of one trace.
They take the time from the database's clock, because their caller is not believed.

A birth date is tried in two transactions. *Knocking* counts the try and keeps whether it was right, and tells nothing;
only when that was committed does *entering* tell. Whoever could send any SQL would otherwise try every birth date in a
transaction, look, and take back that they had tried.
"""

from django.db import migrations, models

from ringfence.base.migration import InSchema

TABLE = """
-- Wrong knocks from one address, by a keyed hash of it.
CREATE TABLE knocks (
    address bytea PRIMARY KEY CHECK (octet_length(address) = 32),
    since timestamptz NOT NULL,
    tries integer NOT NULL
);
ALTER TABLE knocks ENABLE ROW LEVEL SECURITY;
ALTER TABLE knocks FORCE ROW LEVEL SECURITY;
CREATE POLICY knocks_gate ON knocks TO ringfence_gate USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON knocks TO ringfence_gate;
"""

#: What the functions' owner may see and change of each table.
GATE = {
    "links": (
        "SELECT, UPDATE (tries, locked_until, knock_hash, knock_right, knock_xid, session_hash, session_until,"
        " entered_at, finished_at)"
    ),
    "cases": "SELECT (id, first_specimen_date, onset_date)",
    "questionnaires": "SELECT",
    "interviews": "SELECT, INSERT, UPDATE (updated_at, resident_at, resident_completed_at, version, latest)",
    "answers": "SELECT, INSERT",
    "messages": 'SELECT (trace_id, person_id, channel, "to", state)',
    "opt_outs": "SELECT (channel, address), INSERT",
}

RIGHTS = "\n".join(
    f"GRANT {rights} ON {table} TO ringfence_gate;"
    f" CREATE POLICY {table}_gate ON {table} TO ringfence_gate USING (true) WITH CHECK (true);"
    for table, rights in GATE.items()
)

FUNCTIONS = """
CREATE FUNCTION resident_secret(p_secret text) RETURNS bytea LANGUAGE sql IMMUTABLE
    RETURN sha256(convert_to(p_secret, 'UTF8'));

-- The link of a session that has not ended; it goes on for half an hour from now.
CREATE FUNCTION resident_session(p_session text) RETURNS links LANGUAGE plpgsql
SET search_path = casework, pg_catalog, pg_temp AS $$
DECLARE
    found links;
    at timestamptz := clock_timestamp();
BEGIN
    SELECT l.* INTO found FROM links l
    WHERE l.session_hash = resident_secret(p_session) AND l.session_until > at AND l.revoked_at IS NULL;
    IF found.id IS NOT NULL AND found.session_until < at + interval '25 minutes' THEN
        UPDATE links l SET session_until = at + interval '30 minutes' WHERE l.id = found.id;
    END IF;
    RETURN found;
END $$;

CREATE FUNCTION resident_tell(p_trace bigint, p_verb text) RETURNS void LANGUAGE sql
SET search_path = casework, pg_catalog, pg_temp
BEGIN ATOMIC
    INSERT INTO audit.events (at, scope, verb, opened, person_id, trace_id, team_id, area)
    SELECT clock_timestamp(), 'resident', p_verb, false, t.person_id, t.id, t.team_id, t.area
    FROM traces t WHERE t.id = p_trace;
END;

-- Try a birth date on a link. What comes back is the same whatever is right and whatever is there.
CREATE FUNCTION resident_knock(p_token text, p_birth_date date, p_address bytea) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = casework, pg_catalog, pg_temp AS $$
DECLARE
    at timestamptz := clock_timestamp();
    secret text := replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '');
    often integer;
    here links;
    is_right boolean;
BEGIN
    DELETE FROM knocks k WHERE k.since < at - interval '1 day';
    INSERT INTO knocks AS k (address, since, tries) VALUES (p_address, at, 1)
    ON CONFLICT (address) DO UPDATE SET
        tries = CASE WHEN k.since < at - interval '15 minutes' THEN 1 ELSE k.tries + 1 END,
        since = CASE WHEN k.since < at - interval '15 minutes' THEN at ELSE k.since END
    RETURNING k.tries INTO often;
    IF often > 30 THEN
        RETURN secret;
    END IF;
    SELECT l.* INTO here FROM links l WHERE l.token_hash = resident_secret(p_token) FOR UPDATE;
    IF here.id IS NULL OR here.purpose <> 'interview' OR here.revoked_at IS NOT NULL OR here.expires_at <= at
        OR here.tries >= 20 OR here.locked_until > at
    THEN
        RETURN secret;
    END IF;
    SELECT coalesce(p.birth_date = p_birth_date, false) AND (t.closed_at IS NULL OR here.entered_at IS NOT NULL)
    INTO is_right
    FROM traces t JOIN people p ON p.id = t.person_id WHERE t.id = here.trace_id;
    UPDATE links l SET tries = l.tries + 1,
        locked_until = CASE WHEN (l.tries + 1) % 5 = 0 THEN at + interval '30 minutes' END,
        knock_hash = resident_secret(secret), knock_right = is_right, knock_xid = pg_current_xact_id()::text::bigint
    WHERE l.id = here.id;
    PERFORM resident_tell(here.trace_id, 'resident.knocked');
    RETURN secret;
END $$;

-- Enter by a knock of an earlier transaction: the session's secret, or nothing. A session before it ends.
CREATE FUNCTION resident_enter(p_knock text, p_address bytea) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = casework, pg_catalog, pg_temp AS $$
DECLARE
    at timestamptz := clock_timestamp();
    secret text := replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '');
    here links;
BEGIN
    SELECT l.* INTO here FROM links l
    WHERE l.knock_hash = resident_secret(p_knock) AND l.knock_xid <> pg_current_xact_id()::text::bigint FOR UPDATE;
    IF here.id IS NULL THEN
        RETURN NULL;
    END IF;
    UPDATE links l SET knock_hash = NULL, knock_right = NULL, knock_xid = NULL WHERE l.id = here.id;
    IF NOT here.knock_right THEN
        RETURN NULL;
    END IF;
    INSERT INTO interviews (trace_id, questionnaire_id, started_at, updated_at)
    SELECT t.id, q.id, at, at FROM traces t CROSS JOIN LATERAL (
        SELECT n.id FROM questionnaires n WHERE n.key = t.reason AND n.from_at <= at
        ORDER BY n.from_at DESC, n.version DESC LIMIT 1
    ) q WHERE t.id = here.trace_id
    ON CONFLICT (trace_id) DO NOTHING;
    UPDATE links l SET tries = greatest(l.tries - 1, 0), locked_until = NULL, session_hash = resident_secret(secret),
        session_until = at + interval '30 minutes', entered_at = coalesce(l.entered_at, at)
    WHERE l.id = here.id;
    UPDATE knocks k SET tries = greatest(k.tries - 1, 0) WHERE k.address = p_address;
    PERFORM resident_tell(here.trace_id, 'resident.entered');
    RETURN secret;
END $$;

-- Whether a question is for residents to answer, and of what kind it is; nothing when it is not.
CREATE FUNCTION resident_kind(p_body jsonb, p_question text) RETURNS text LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT q.question ->> 'kind' FROM jsonb_array_elements(p_body -> 'sections') AS s (section),
        jsonb_array_elements(s.section -> 'questions') AS q (question)
    WHERE q.question ->> 'key' = p_question AND q.question ->> 'kind' <> 'advice'
        AND coalesce(q.question ->> 'asked_by', 'both') <> 'tracer';
END;

-- The interview of a session: its questions, the resident's own answers, and the days that advice needs. Of what a tracer
-- wrote down, only that a question has its answer, and what decides which question comes next.
CREATE FUNCTION resident_read(p_session text) RETURNS jsonb
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

-- The entries of a list with those given: an entry is never dropped. Those there before change only where the list is the
-- resident's own; what a tracer alone may say of an entry is not taken from a resident.
CREATE FUNCTION resident_entries(p_before jsonb, p_given jsonb, p_own boolean) RETURNS jsonb LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    WITH given AS (
        SELECT e.entry - 'spoken_for' - 'exemptions' || CASE WHEN e.entry ? 'relation'
                THEN '{"spoken_for": false, "exemptions": []}'::jsonb ELSE '{}' END AS entry, e.place
        FROM jsonb_array_elements(CASE WHEN jsonb_typeof(p_given) = 'array' THEN p_given ELSE '[]' END)
            WITH ORDINALITY AS e (entry, place)
        WHERE jsonb_typeof(e.entry) = 'object' AND e.entry ->> 'id' ~ '^[A-Za-z0-9-]{4,40}$'
    ), before AS (
        SELECT e.entry, e.place
        FROM jsonb_array_elements(CASE WHEN jsonb_typeof(p_before) = 'array' THEN p_before ELSE '[]' END)
            WITH ORDINALITY AS e (entry, place)
    )
    SELECT jsonb_agg(x.entry ORDER BY x.part, x.place) FROM (
        SELECT 1 AS part, b.place, CASE WHEN p_own THEN coalesce(g.entry, b.entry) ELSE b.entry END AS entry
        FROM before b LEFT JOIN LATERAL (
            SELECT n.entry FROM given n WHERE n.entry ->> 'id' = b.entry ->> 'id' ORDER BY n.place LIMIT 1
        ) g ON true
        UNION ALL
        SELECT 2, min(n.place), (array_agg(n.entry ORDER BY n.place))[1] FROM given n
        WHERE NOT EXISTS (SELECT 1 FROM before b WHERE b.entry ->> 'id' = n.entry ->> 'id')
        GROUP BY n.entry ->> 'id'
    ) x;
END;

-- Keep answers, by the key of the question: how many were new. Nothing without a session, or when the form is done.
CREATE FUNCTION resident_save(p_session text, p_answers jsonb) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = casework, pg_catalog, pg_temp AS $$
DECLARE
    here links := resident_session(p_session);
    at timestamptz := clock_timestamp();
    sheet interviews;
    body jsonb;
    is_open boolean;
    key text;
    given jsonb;
    kind text;
    last answers;
    added integer := 0;
    newest bigint;
BEGIN
    IF here.id IS NULL THEN
        RETURN NULL;
    END IF;
    IF jsonb_typeof(p_answers) <> 'object' OR octet_length(p_answers::text) > 200000 THEN
        RAISE EXCEPTION 'this is too much for one form' USING ERRCODE = 'program_limit_exceeded';
    END IF;
    SELECT i.* INTO sheet FROM interviews i WHERE i.trace_id = here.trace_id FOR UPDATE;
    SELECT q.body INTO body FROM questionnaires q WHERE q.id = sheet.questionnaire_id;
    SELECT t.closed_at IS NULL INTO is_open FROM traces t WHERE t.id = here.trace_id;
    IF NOT is_open OR sheet.completed_at IS NOT NULL OR sheet.resident_completed_at IS NOT NULL THEN
        RETURN NULL;
    END IF;
    IF (SELECT count(*) FROM answers a WHERE a.interview_id = sheet.id AND a.source = 'resident') > 1000 THEN
        RAISE EXCEPTION 'this form was filled in too often' USING ERRCODE = 'program_limit_exceeded';
    END IF;
    FOR key, given IN SELECT e.key, e.value FROM jsonb_each(p_answers) e LOOP
        kind := resident_kind(body, key);
        CONTINUE WHEN kind IS NULL;
        last := NULL;
        SELECT a.* INTO last FROM answers a
        WHERE a.interview_id = sheet.id AND a.question = key ORDER BY a.id DESC LIMIT 1;
        IF kind IN ('people', 'places') THEN
            given := resident_entries(last.value, given, coalesce(last.source, 'resident') = 'resident');
        ELSIF last.source = 'tracer' THEN
            CONTINUE;
        END IF;
        given := coalesce(given, 'null');
        CONTINUE WHEN given = coalesce(last.value, 'null') OR (kind IN ('people', 'places') AND given = 'null');
        INSERT INTO answers (interview_id, trace_id, question, value, at, source)
        VALUES (sheet.id, here.trace_id, key, given, at, 'resident') RETURNING id INTO newest;
        added := added + 1;
    END LOOP;
    UPDATE interviews i SET resident_at = at, updated_at = CASE WHEN added > 0 THEN at ELSE i.updated_at END,
        version = i.version + (added > 0)::int, latest = greatest(i.latest, coalesce(newest, 0))
    WHERE i.id = sheet.id;
    IF added > 0 THEN
        PERFORM resident_tell(here.trace_id, 'resident.saved');
    END IF;
    RETURN added;
END $$;

-- The resident has sent it off. Once more does no harm.
CREATE FUNCTION resident_finish(p_session text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = casework, pg_catalog, pg_temp AS $$
DECLARE
    here links := resident_session(p_session);
    at timestamptz := clock_timestamp();
BEGIN
    IF here.id IS NULL THEN
        RETURN false;
    END IF;
    UPDATE links l SET finished_at = at WHERE l.id = here.id AND l.finished_at IS NULL;
    UPDATE interviews i SET resident_completed_at = at, resident_at = at, updated_at = at, version = i.version + 1
    WHERE i.trace_id = here.trace_id AND i.resident_completed_at IS NULL;
    IF FOUND THEN
        PERFORM resident_tell(here.trace_id, 'resident.finished');
    END IF;
    RETURN true;
END $$;

-- End the session; the link opens again.
CREATE FUNCTION resident_leave(p_session text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = casework, pg_catalog, pg_temp
BEGIN ATOMIC
    UPDATE links l SET session_hash = NULL, session_until = NULL WHERE l.session_hash = resident_secret(p_session);
END;

-- No more messages to where the link was sent: whoever holds it may say so without a birth date.
CREATE FUNCTION resident_stop(p_token text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = casework, pg_catalog, pg_temp AS $$
DECLARE
    about bigint;
BEGIN
    SELECT l.trace_id INTO about FROM links l WHERE l.token_hash = resident_secret(p_token);
    INSERT INTO opt_outs (person_id, channel, address, at, why)
    SELECT DISTINCT ON (m.channel, m."to") m.person_id, m.channel, m."to", clock_timestamp(), 'on their own page'
    FROM messages m
    WHERE m.trace_id = about AND m.channel <> 'letter' AND m.state IN ('sending', 'sent', 'delivered')
    ORDER BY m.channel, m."to"
    ON CONFLICT (channel, address) DO NOTHING;
    IF FOUND THEN
        PERFORM resident_tell(about, 'message.stopped');
    END IF;
END $$;

-- Which service policy holds from when: every page names an exercise.
CREATE FUNCTION resident_rules() RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = casework, pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT coalesce(jsonb_agg(jsonb_build_array(r.from_date, r.policy) ORDER BY r.from_date), '[]')
    FROM partnerships.service_rules r;
END;
"""

OPEN = "resident_knock, resident_enter, resident_read, resident_save, resident_finish, resident_leave, resident_stop, resident_rules"
INNER = "resident_secret, resident_session, resident_tell, resident_kind, resident_entries"

OWNERS = "\n".join(f"ALTER FUNCTION {name} OWNER TO ringfence_gate;" for name in f"{OPEN}, {INNER}".split(", "))

FORWARDS = f"""
{TABLE}
{RIGHTS}
GRANT USAGE ON SEQUENCE interviews_id_seq, answers_id_seq, opt_outs_id_seq TO ringfence_gate;
GRANT USAGE ON SCHEMA partnerships TO ringfence_gate;
GRANT SELECT (from_date, policy) ON partnerships.service_rules TO ringfence_gate;
{FUNCTIONS}
GRANT CREATE ON SCHEMA casework TO ringfence_gate;
{OWNERS}
REVOKE CREATE ON SCHEMA casework FROM ringfence_gate;
REVOKE ALL ON FUNCTION {OPEN}, {INNER} FROM PUBLIC;
GRANT USAGE ON SCHEMA casework TO ringfence_resident;
GRANT EXECUTE ON FUNCTION {OPEN} TO ringfence_resident;
"""

BACKWARDS = "\n".join(
    [
        "REVOKE USAGE ON SCHEMA casework FROM ringfence_resident;",
        f"DROP FUNCTION {OPEN}, {INNER};",
        "DROP TABLE knocks;",
        *(f"DROP POLICY {table}_gate ON {table}; REVOKE ALL ON {table} FROM ringfence_gate;" for table in GATE),
        "REVOKE ALL ON partnerships.service_rules FROM ringfence_gate;",
        "REVOKE USAGE ON SCHEMA partnerships FROM ringfence_gate;",
        "REVOKE USAGE ON SEQUENCE interviews_id_seq, answers_id_seq, opt_outs_id_seq FROM ringfence_gate;",
    ]
)


class Migration(migrations.Migration):
    dependencies = [("casework", "0012_alerts_and_incidents"), ("partnerships", "0003_agreement_and_revision")]

    operations = [
        InSchema("casework"),
        migrations.AddField("link", "knock_hash", models.BinaryField(max_length=32, null=True, unique=True)),
        migrations.AddField("link", "knock_right", models.BooleanField(null=True)),
        migrations.AddField("link", "knock_xid", models.BigIntegerField(null=True)),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]
