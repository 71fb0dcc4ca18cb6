"""``python -m tests.template``: the migrated database that the tests copy, made while they are still being collected."""

import tests.harness  # noqa: F401 - gives this process the tests' home, as it does to theirs
from ringfence.cli.postgres import Server
from tests.database import template

if __name__ == "__main__":
    with Server(durable=False).use() as server:
        template(server)
