"""Benchmarks: each figure beside its limit or its peer, measured in the same run, as a ratio.

They have a server and data of their own (``.ringfence/bench``, about 2 GB once seeded), on disk with every safety on.
Loaded before Ringfence reads its environment.
"""

import os

CHECKOUT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

for name in [name for name in os.environ if name == "DATABASE_URL" or name.startswith("RINGFENCE_")]:
    if not name.startswith("RINGFENCE_BENCH_"):
        del os.environ[name]

os.environ["RINGFENCE_HOME"] = os.environ.get("RINGFENCE_BENCH_HOME") or os.path.join(CHECKOUT, ".ringfence", "bench")
# A process that a benchmark starts is told its kind and the benchmark's database.
os.environ["RINGFENCE_PROCESS"] = os.environ.get("RINGFENCE_BENCH_PROCESS") or "cli"
os.environ["RINGFENCE_DATABASE"] = os.environ.get("RINGFENCE_BENCH_DATABASE") or f"bench_{os.getpid()}"
os.environ["DJANGO_SETTINGS_MODULE"] = "ringfence.config.settings"
