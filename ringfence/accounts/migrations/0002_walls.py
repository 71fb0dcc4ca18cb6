"""The wall: keys that no application role can read, and the functions that policies ask what a ticket allows."""

from django.db import migrations

from ringfence.base.migration import InSchema

FORWARDS = """
CREATE SCHEMA walls;
GRANT USAGE ON SCHEMA walls TO ringfence_app, ringfence_worker, ringfence_gate;

CREATE TABLE walls.keys (
    installed_at timestamptz PRIMARY KEY DEFAULT clock_timestamp(),
    inner_pad bytea NOT NULL CHECK (octet_length(inner_pad) = 64),
    outer_pad bytea NOT NULL CHECK (octet_length(outer_pad) = 64)
);

-- The fields of a good ticket, or NULL. HMAC-SHA256 written out (RFC 2104), because only sha256() is built in.
CREATE FUNCTION walls.read(ticket text) RETURNS text[]
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE SET search_path = pg_catalog, walls, pg_temp AS $$
DECLARE
    parts text[];
    key walls.keys;
    body bytea;
BEGIN
    IF ticket IS NULL OR length(ticket) < 66 THEN
        RETURN NULL;
    END IF;
    parts := string_to_array(ticket, '|');
    IF array_length(parts, 1) <> 8 OR parts[6] <> pg_backend_pid()::text THEN
        RETURN NULL;
    END IF;
    body := convert_to(left(ticket, length(ticket) - 65), 'UTF8');
    FOR key IN SELECT * FROM walls.keys ORDER BY installed_at DESC LOOP
        IF encode(sha256(key.outer_pad || sha256(key.inner_pad || body)), 'hex') = parts[8] THEN
            IF parts[7]::bigint < extract(epoch FROM clock_timestamp()) THEN
                RETURN NULL;
            END IF;
            RETURN parts;
        END IF;
    END LOOP;
    RETURN NULL;
END $$;

CREATE FUNCTION walls.system() RETURNS text LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN (walls.read(current_setting('ringfence.ticket', true)))[1];
END $$;
CREATE FUNCTION walls.user_id() RETURNS bigint LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN (walls.read(current_setting('ringfence.ticket', true)))[2]::bigint;
END $$;
CREATE FUNCTION walls.teams() RETURNS bigint[] LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN string_to_array((walls.read(current_setting('ringfence.ticket', true)))[3], ',')::bigint[];
END $$;
CREATE FUNCTION walls.areas() RETURNS text[] LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN string_to_array((walls.read(current_setting('ringfence.ticket', true)))[4], ',');
END $$;
CREATE FUNCTION walls.standing() RETURNS text[] LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN string_to_array((walls.read(current_setting('ringfence.ticket', true)))[5], ',');
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA walls FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA walls TO ringfence_app, ringfence_worker, ringfence_gate;

GRANT USAGE ON SCHEMA accounts TO ringfence_app, ringfence_worker, ringfence_gate;
GRANT SELECT, INSERT, UPDATE ON users, memberships, teams TO ringfence_app;
GRANT SELECT ON users, memberships, teams TO ringfence_worker;
GRANT SELECT ON teams TO ringfence_gate;
GRANT SELECT, INSERT, UPDATE, DELETE ON django_session, axes_accessattempt, axes_accesslog, axes_accessfailurelog,
    axes_accessattemptexpiration TO ringfence_app;
GRANT SELECT ON django_migrations, django_content_type TO ringfence_app, ringfence_worker;
"""

BACKWARDS = "DROP SCHEMA walls CASCADE;"


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("sessions", "0001_initial"),
        ("axes", "0010_accessattemptexpiration"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [InSchema("accounts"), migrations.RunSQL(FORWARDS, BACKWARDS)]
