"""What migrations share."""

from django.db.migrations import RunSQL

from ringfence.base.env import SCHEMAS


class InSchema(RunSQL):
    """First operation of every migration of an app: what follows is made in the app's own PostgreSQL schema.

    Table names stay unqualified; the search path puts the app's schema first. It also bounds how long the migration may
    wait for a lock, so that it fails rather than stopping everybody behind it.
    """

    def __init__(self, schema: str) -> None:
        if schema not in SCHEMAS:
            raise ValueError(f"{schema!r} is not a schema of Ringfence; it is one of {', '.join(SCHEMAS)}")
        self.schema = schema
        path = ", ".join([schema, *(other for other in SCHEMAS if other != schema), "public"])
        super().__init__(
            f"SET LOCAL search_path = {path}; SET LOCAL lock_timeout = '5s'",
            RunSQL.noop,
        )

    def deconstruct(self) -> tuple[str, list[str], dict[str, object]]:
        return "InSchema", [self.schema], {}
