"""Whether the holder of the ticket has a role now: what some roles alone may write is asked of the database."""

from django.db import migrations, models

from ringfence.base.migration import InSchema

FORWARDS = """
CREATE FUNCTION walls.holds(p_role text) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = accounts, pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT 1 FROM memberships m WHERE m.user_id = walls.user_id() AND m.role = p_role
        AND m.from_at <= clock_timestamp() AND (m.until_at IS NULL OR m.until_at > clock_timestamp()));
END $$;
REVOKE ALL ON FUNCTION walls.holds FROM PUBLIC;
GRANT EXECUTE ON FUNCTION walls.holds TO ringfence_app;
"""

BACKWARDS = "DROP FUNCTION walls.holds(text);"


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_roles_by_ticket")]

    operations = [
        InSchema("accounts"),
        migrations.RunSQL(FORWARDS, BACKWARDS),
        migrations.AlterField(
            model_name="membership",
            name="role",
            field=models.CharField(
                choices=[
                    ("national_tracer", "National contact tracer"),
                    ("national_lead", "National team lead"),
                    ("local_tracer", "Local contact tracer"),
                    ("local_lead", "Local team lead"),
                    ("director", "Director of public health"),
                    ("analyst", "Public health analyst"),
                    ("health_protection", "Health protection team"),
                    ("operations", "National operations"),
                    ("script_editor", "Script editor"),
                    ("governance", "Information governance"),
                ],
                max_length=20,
            ),
        ),
    ]
