"""A role is given, and a password set, under a ticket alone: whoever could add a role at will would be let in anywhere."""

from django.db import migrations

from ringfence.base.migration import InSchema

FORWARDS = """
REVOKE UPDATE ON users, memberships, teams FROM ringfence_app;
GRANT UPDATE (password, last_login, is_active) ON users TO ringfence_app;
GRANT UPDATE (until_at) ON memberships TO ringfence_app;
GRANT UPDATE (opened_at, closed_at) ON teams TO ringfence_app;

-- Whether the ticket lets its holder give anybody a role for a team or an area: the command line and national operations
-- everywhere, a person in the areas that they stand in; never to themselves. The finer rules are rules.lending's.
CREATE FUNCTION walls.may_give(p_user bigint, p_role text, p_team bigint, p_area text) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = accounts, pg_catalog, pg_temp AS $$
DECLARE
    giver bigint := walls.user_id();
BEGIN
    IF walls.system() = 'accounts' THEN
        RETURN true;
    END IF;
    IF coalesce(giver, 0) = 0 OR giver = p_user THEN
        RETURN false;
    END IF;
    IF EXISTS (SELECT 1 FROM memberships m WHERE m.user_id = giver AND m.role = 'operations'
        AND (m.until_at IS NULL OR m.until_at > clock_timestamp())) THEN
        RETURN true;
    END IF;
    RETURN p_role NOT IN ('operations', 'governance')
        AND coalesce(p_area, (SELECT k.area FROM teams k WHERE k.id = p_team)) = ANY (walls.standing());
END $$;
REVOKE ALL ON FUNCTION walls.may_give FROM PUBLIC;
GRANT EXECUTE ON FUNCTION walls.may_give TO ringfence_app;

ALTER TABLE memberships ENABLE ROW LEVEL SECURITY;
ALTER TABLE memberships FORCE ROW LEVEL SECURITY;
-- What somebody may see follows from their memberships: they are read before there is a ticket.
CREATE POLICY memberships_read ON memberships FOR SELECT TO ringfence_app, ringfence_worker USING (true);
CREATE POLICY memberships_given ON memberships FOR INSERT TO ringfence_app
    WITH CHECK (walls.may_give(user_id, role, team_id, area));
CREATE POLICY memberships_ended ON memberships FOR UPDATE TO ringfence_app
    USING ((SELECT walls.user_id()) IS NOT NULL) WITH CHECK (true);

CREATE FUNCTION membership_end_comes_nearer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a role that ends is not made longer; it is given again' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER membership_end_comes_nearer BEFORE UPDATE OF until_at ON memberships FOR EACH ROW
    WHEN (OLD.until_at IS NOT NULL AND (NEW.until_at IS NULL OR NEW.until_at > OLD.until_at))
    EXECUTE FUNCTION membership_end_comes_nearer();

-- Only oneself or the command line sets a password; who may sign in is changed under a ticket, and not by oneself.
CREATE FUNCTION user_by_ticket() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    actor bigint := walls.user_id();
BEGIN
    IF walls.system() = 'accounts' OR (actor > 0 AND CASE
        WHEN NEW.password <> OLD.password THEN actor = OLD.id AND NEW.is_active = OLD.is_active
        ELSE actor <> OLD.id END)
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'this ticket does not let you change how user % signs in', OLD.id
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER user_by_ticket BEFORE UPDATE OF password, is_active ON users FOR EACH ROW
    WHEN (OLD.password <> NEW.password OR OLD.is_active <> NEW.is_active)
    EXECUTE FUNCTION user_by_ticket();
REVOKE ALL ON FUNCTION user_by_ticket, membership_end_comes_nearer FROM PUBLIC;
"""

BACKWARDS = """
DROP TRIGGER user_by_ticket ON users;
DROP FUNCTION user_by_ticket();
DROP TRIGGER membership_end_comes_nearer ON memberships;
DROP FUNCTION membership_end_comes_nearer();
DROP POLICY memberships_ended ON memberships;
DROP POLICY memberships_given ON memberships;
DROP POLICY memberships_read ON memberships;
ALTER TABLE memberships NO FORCE ROW LEVEL SECURITY;
ALTER TABLE memberships DISABLE ROW LEVEL SECURITY;
DROP FUNCTION walls.may_give(bigint, text, bigint, text);
REVOKE UPDATE (password, last_login, is_active) ON users FROM ringfence_app;
REVOKE UPDATE (until_at) ON memberships FROM ringfence_app;
REVOKE UPDATE (opened_at, closed_at) ON teams FROM ringfence_app;
GRANT UPDATE ON users, memberships, teams TO ringfence_app;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_membership_taken_back")]

    operations = [InSchema("accounts"), migrations.RunSQL(FORWARDS, BACKWARDS)]
