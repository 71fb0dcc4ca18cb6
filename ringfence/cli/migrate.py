"""Migrate the database: ``RINGFENCE_PROCESS=owner python -m ringfence.cli.migrate``."""

import sys

from ringfence.base.env import env
from ringfence.cli.preparation import LOCK
from ringfence.cli.session import set_up_django, wanted


def main() -> None:
    """Apply every migration, load the areas that rows refer to, install the key of the tickets.

    What the database was migrated to is noted in its comment.
    """
    set_up_django()
    from django.core.management import call_command
    from django.db import connection

    from ringfence.accounts import walls
    from ringfence.geography import load

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        call_command("migrate", verbosity=0, interactive=False)
        load.load_areas(connection.connection)
        walls.install_key(connection)
        name = connection.ops.quote_name(env.database.name)
        cursor.execute(f"COMMENT ON DATABASE {name} IS '{wanted()}'")


if __name__ == "__main__":
    if env.process != "owner":
        sys.exit("ringfence: migrations run as the owner: RINGFENCE_PROCESS=owner")
    main()
