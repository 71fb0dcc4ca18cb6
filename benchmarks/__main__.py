"""``python -m benchmarks [NAME ...] [--json FILE] [--full]``."""

import argparse
import json
import sys
from importlib import import_module
from pathlib import Path

from benchmarks.harness import Figure, table

#: Modules with ``run(full: bool) -> list[Figure]``, in the order in which they are run.
NAMES = ("intake", "claim", "sweep", "overview", "page", "selfservice", "lists", "director", "growth", "scan")


def main() -> int:
    """Run the benchmarks named, or all of them. 0 when every goal is met, 1 otherwise."""
    there = [name for name in NAMES if (Path(__file__).parent / f"{name}.py").exists()]
    parser = argparse.ArgumentParser(prog="./run bench", description="Each figure beside its limit, as a ratio.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(there))
    parser.add_argument("--json", metavar="FILE", help="write the figures there as JSON (- for the screen)")
    parser.add_argument("--full", action="store_true", help="national volume, longer runs")
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in there]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]}; there are: {', '.join(there)}")
    figures: list[Figure] = []
    for name in given.names or there:
        print(f"{name} ...", file=sys.stderr, flush=True)
        figures += import_module(f"benchmarks.{name}").run(full=given.full)
    if given.json:
        text = json.dumps([figure.as_dict() for figure in figures], indent=1) + "\n"
        if given.json == "-":
            print(text, end="")
        else:
            Path(given.json).write_text(text)
    if given.json != "-":
        print(table(figures))
    return 0 if all(figure.met for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
