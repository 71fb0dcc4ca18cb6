"""Templates as the code that Jinja makes of them, kept as Python keeps its own: in ``__pycache__`` beside the sources.

To compile all of them takes a process two seconds of processor time, most of it before its first page.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from jinja2 import FileSystemBytecodeCache
from jinja2.bccache import Bucket

_PACKAGE = Path(__file__).resolve().parents[1]


class Kept(FileSystemBytecodeCache):
    """Compiled templates of the package ``room``. Where nothing can be written, each process compiles them for itself.

    Jinja works out filters of constants while it compiles. So what is kept goes with the code that such a filter may
    run, and with the version of Jinja.
    """

    def __init__(self, room: Path) -> None:
        super().__init__(str(room / "__pycache__"), "%s.jinja.pyc")
        mark = sha256(version("jinja2").encode())
        for folder in (room, _PACKAGE / "rules"):
            for source in sorted(folder.glob("*.py")):
                mark.update(source.read_bytes())
        self._mark = mark.hexdigest()

    def get_source_checksum(self, source: str) -> str:
        """What a template and the code around it are known by."""
        return super().get_source_checksum(self._mark + source)

    def load_bytecode(self, bucket: Bucket) -> None:
        with suppress(OSError):
            super().load_bytecode(bucket)

    def dump_bytecode(self, bucket: Bucket) -> None:
        if not sys.dont_write_bytecode:
            with suppress(OSError):
                Path(self.directory).mkdir(exist_ok=True)
                super().dump_bytecode(bucket)
