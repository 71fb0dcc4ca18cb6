"""The walls of interviews, contacts, messages and visits.

The pages write what was said and planned, in the name of whoever is signed in, about traces of their team. People, traces,
contacts and places are made from it by the worker alone, so that a page can never make somebody known.
"""

from django.db import migrations

from ringfence.base.migration import InSchema

ME = "(SELECT walls.user_id())"
TEAMS = "(SELECT walls.teams())::bigint[]"


def system(*names: str) -> str:
    return f"(SELECT walls.system()) = ANY ('{{{','.join(names)}}}')"


def seen(table: str) -> str:
    """The trace of the row may be seen by a person."""
    return f"{ME} > 0 AND EXISTS (SELECT 1 FROM traces t WHERE t.id = {table}.trace_id)"


def own(table: str, *also: str) -> str:
    """The trace of the row is with a team of the ticket's holder."""
    conditions = [f"t.id = {table}.trace_id", f"t.team_id = ANY ({TEAMS})", *also]
    return f"EXISTS (SELECT 1 FROM traces t WHERE {' AND '.join(conditions)})"


def known(table: str, column: str = "person_id") -> str:
    """The person of the row has a standing with an area of the ticket."""
    return f"EXISTS (SELECT 1 FROM standings s WHERE s.person_id = {table}.{column})"


#: Whoever works in a team or for an area.
AT_WORK = f"(cardinality({TEAMS}) > 0 OR cardinality((SELECT walls.areas())::text[]) > 0)"
EDITOR = f"recorded_by = {ME} AND walls.holds('script_editor')"
SUPPORT = (
    f"{seen('referrals')} OR EXISTS (SELECT 1 FROM teams k WHERE k.id = ANY ({TEAMS}) AND k.kind = 'local'"
    " AND k.area = referrals.area)"
)

#: table -> role -> kind of statement -> who may
POLICIES: dict[str, dict[str, dict[str, str]]] = {
    "questionnaires": {
        "worker": {"SELECT": system("interviews"), "INSERT": f"recorded_by IS NULL AND {system('interviews')}"},
        "app": {"SELECT": f"{AT_WORK} OR walls.holds('script_editor')", "INSERT": EDITOR},
    },
    "templates": {
        "worker": {
            "SELECT": system("messages", "interviews"),
            "INSERT": f"recorded_by IS NULL AND {system('messages')}",
        },
        "app": {"SELECT": f"{AT_WORK} OR walls.holds('script_editor')", "INSERT": EDITOR},
    },
    "interviews": {
        "worker": {"ALL": system("interviews", "messages")},
        "app": {
            "SELECT": seen("interviews"),
            "INSERT": f"started_by = {ME} AND {own('interviews')}",
            "UPDATE": own("interviews"),
        },
    },
    "answers": {
        "worker": {"ALL": system("interviews")},
        "app": {
            "SELECT": seen("answers"),
            "INSERT": f"user_id = {ME} AND {own('answers', 't.team_id = answers.team_id')}",
        },
    },
    "referrals": {
        "worker": {"ALL": system("interviews")},
        "app": {
            "SELECT": SUPPORT,
            "INSERT": f"user_id = {ME} AND {own('referrals', 't.team_id = referrals.team_id', 't.person_id = referrals.person_id')}",
            "UPDATE": SUPPORT,
        },
    },
    "contacts": {
        "worker": {"ALL": system("interviews", "intake")},
        "app": {"SELECT": f"{known('contacts')} OR {known('contacts', 'case_person_id')}"},
    },
    "settings": {
        "worker": {"ALL": system("interviews")},
        "app": {"SELECT": AT_WORK, "UPDATE": "authority = ANY ((SELECT walls.standing())::text[])"},
    },
    "exposures": {"worker": {"ALL": system("interviews")}, "app": {"SELECT": known("exposures")}},
    "isolations": {
        "worker": {"ALL": system("interviews"), "SELECT": system("messages")},
        "app": {"SELECT": known("isolations")},
    },
    "messages": {
        "worker": {"ALL": system("messages", "interviews")},
        "app": {
            "SELECT": seen("messages"),
            "INSERT": f"created_by = {ME} AND {own('messages', 't.team_id = messages.team_id', 't.person_id = messages.person_id')}",
        },
    },
    "opt_outs": {
        "worker": {"ALL": system("messages", "interviews")},
        "app": {"SELECT": known("opt_outs"), "INSERT": f"user_id = {ME} AND {known('opt_outs')}"},
    },
    "links": {"worker": {"ALL": system("messages", "interviews")}, "app": {"SELECT": seen("links")}},
    "details": {
        "worker": {"SELECT": system("messages", "interviews")},
        "app": {
            "SELECT": known("details"),
            "INSERT": f"added_by = {ME} AND team_id = ANY ({TEAMS}) AND {known('details')}",
            "UPDATE": known("details"),
        },
    },
    "visits": {
        "app": {
            "SELECT": f"team_id = ANY ({TEAMS}) OR {seen('visits')}",
            "INSERT": f"planned_by = {ME} AND {own('visits', 't.team_id = visits.team_id', 't.person_id = visits.person_id')}",
            "UPDATE": f"team_id = ANY ({TEAMS})",
        },
    },
    "bulk_changes": {
        "app": {
            "SELECT": f"team_id = ANY ({TEAMS})",
            "INSERT": f"user_id = {ME} AND team_id = ANY ({TEAMS})",
            "UPDATE": f"team_id = ANY ({TEAMS})",
        },
    },
}

#: What the pages may change of a row that they may change.
CHANGED = {
    "interviews": "updated_at, completed_at, completed_by, version, latest",
    "referrals": "done_at, done_by",
    "settings": "merged_into_id, merged_at, merged_by",
    "details": "wrong_at, wrong_by",
    "visits": "on_date, visitor, place, state, attempt_id, finished_at",
    "bulk_changes": "undone_at, undone_by",
}

#: What is not for the pages to read.
READ = {"links": "id, trace_id, purpose, created_at, expires_at, entered_at, finished_at, revoked_at"}

#: Tables that were there before, of which the new scopes see or change rows.
BEFORE = {
    "people": {"interviews": "ALL", "messages": "SELECT"},
    "standings": {"interviews": "ALL"},
    "cases": {"interviews": "ALL", "messages": "SELECT"},
    "traces": {"interviews": "ALL", "messages": "SELECT"},
    "attempts": {"interviews": "ALL"},
}


def _policy(table: str, role: str, kind: str, condition: str, name: str) -> str:
    checks = {
        "SELECT": f"USING ({condition})",
        "INSERT": f"WITH CHECK ({condition})",
        "UPDATE": f"USING ({condition})",
        "ALL": f"USING ({condition}) WITH CHECK ({condition})",
    }
    return f"CREATE POLICY {name} ON {table} FOR {kind} TO ringfence_{role} {checks[kind]};"


def _grant(table: str, role: str, kind: str) -> str:
    if kind == "ALL":
        return f"GRANT SELECT, INSERT, UPDATE ON {table} TO ringfence_{role};"
    columns = {"UPDATE": CHANGED, "SELECT": READ}.get(kind, {}).get(table) if role == "app" else None
    return f"GRANT {kind}{f' ({columns})' if columns else ''} ON {table} TO ringfence_{role};"


def forwards() -> str:
    lines = []
    for table, roles in POLICIES.items():
        lines.append(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;")
        lines.append(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY;")
        for role, kinds in roles.items():
            for kind, condition in kinds.items():
                lines.append(_grant(table, role, kind))
                lines.append(_policy(table, role, kind, condition, f"{table}_{role}_{kind.lower()}"))
            if "ALL" in kinds or "INSERT" in kinds:
                lines.append(f"GRANT USAGE ON SEQUENCE {table}_id_seq TO ringfence_{role};")
    for table, scopes in BEFORE.items():
        for scope, kind in scopes.items():
            lines.append(_policy(table, "worker", kind, system(scope), f"{table}_{scope}"))
    lines.append("GRANT INSERT ON attempts TO ringfence_worker;")
    return "\n".join(lines)


def backwards() -> str:
    lines = ["REVOKE INSERT ON attempts FROM ringfence_worker;"]
    lines += [f"DROP POLICY {table}_{scope} ON {table};" for table, scopes in BEFORE.items() for scope in scopes]
    for table, roles in POLICIES.items():
        lines += [
            f"DROP POLICY {table}_{role}_{kind.lower()} ON {table};" for role, kinds in roles.items() for kind in kinds
        ]
        lines.append(f"REVOKE ALL ON {table} FROM ringfence_app, ringfence_worker;")
        lines.append(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY;")
        lines.append(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY;")
    return "\n".join(lines)


class Migration(migrations.Migration):
    dependencies = [("casework", "0008_interviews_contacts_messages_visits"), ("accounts", "0005_who_holds_a_role")]

    operations = [InSchema("casework"), migrations.RunSQL(forwards(), backwards())]
