"""R and exceedance for 315 areas, beside R's EpiEstim and surveillance on the same numbers.

R and both packages come with Debian (r-cran-epiestim, r-cran-surveillance); R's own start and loading are not counted.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.harness import Figure, alternate, at_least
from ringfence.methods import exceedance, growth

AREAS, DAYS, WEEKS = 315, 120, 330
MEAN, SD = 5.2, 2.8

EPIESTIM = """
options(digits = 15); suppressMessages(library(EpiEstim))
m <- as.matrix(read.csv("{file}", header = FALSE))
began <- proc.time()[["elapsed"]]
last <- sapply(seq_len(ncol(m)), function(j) {{
  r <- suppressWarnings(estimate_R(m[, j], method = "parametric_si",
    config = make_config(list(mean_si = {mean}, std_si = {sd}))))
  tail(r$R[["Mean(R)"]], 1)
}})
cat(proc.time()[["elapsed"]] - began, "\\n"); cat(last, sep = "\\n")
"""

SURVEILLANCE = """
options(digits = 15); suppressMessages(library(surveillance))
s <- sts(as.matrix(read.csv("{file}", header = FALSE)), frequency = 52, start = c(2010, 1))
began <- proc.time()[["elapsed"]]
r <- suppressWarnings(farringtonFlexible(s, control = list(range = nrow(s), glmWarnings = FALSE)))
cat(proc.time()[["elapsed"]] - began, "\\n"); cat(upperbound(r), sep = "\\n")
"""


def run(full: bool) -> list[Figure]:
    """Both figures; the two sides must say the same before a time counts."""
    if shutil.which("Rscript") is None:
        raise SystemExit("R is not installed: on Debian, apt install r-cran-epiestim r-cran-surveillance")
    random = np.random.default_rng(1)
    level = np.exp(random.uniform(0, 5, AREAS))
    daily = random.poisson(level[:, None] * np.exp(0.02 * np.arange(DAYS))).astype(float)
    season = 1 + 0.4 * np.sin(2 * np.pi * np.arange(WEEKS) / 52)
    weekly = random.poisson(level[:, None] * season * random.gamma(5, 0.2, (AREAS, WEEKS))).astype(float)
    rounds = 3 if full else 1

    def reproduction() -> np.ndarray:
        return growth.reproduction(daily, growth.serial_interval(MEAN, SD, DAYS)).mean[:, -1]

    def exceeding() -> np.ndarray:
        return exceedance.farrington_flexible(weekly, at=[WEEKS - 1]).threshold[:, 0]

    return [
        _beside("R_t of 315 areas on 120 days, with intervals", reproduction, EPIESTIM, daily, "EpiEstim", 100, rounds),
        _beside(
            "Farrington flexible of 315 areas, one week", exceeding, SURVEILLANCE, weekly, "surveillance", 20, rounds
        ),
    ]


def _beside(
    name: str, ours: Callable[[], np.ndarray], script: str, counts: np.ndarray, peer: str, goal: float, rounds: int
) -> Figure:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "counts.csv"
        np.savetxt(file, counts.T, fmt="%d", delimiter=",")

        def theirs() -> float:
            text = script.format(file=file, mean=MEAN, sd=SD)
            said = subprocess.run(["Rscript", "-e", text], capture_output=True, text=True, check=True).stdout.split()
            told = np.array([float(each) if each != "NA" else np.nan for each in said[1:]])
            np.testing.assert_allclose(ours(), told, rtol=1e-8)
            return float(said[0])

        def mine() -> float:
            times = []
            for _ in range(5):
                began = time.perf_counter()
                ours()
                times.append(time.perf_counter() - began)
            return sorted(times)[2]

        mine()
        medians = alternate({"ours": mine, peer: theirs}, rounds)
    # As speeds, so that more is better.
    return at_least(goal, "growth", name, 1 / medians["ours"], "/s", f"{peer} in R", 1 / medians[peer])
