"""Log-linear Poisson regression of many series at once, by iteratively reweighted least squares.

McCullagh and Nelder 1989, chapter 2; Fisher scoring with the stopping rule of R's ``glm`` (relative change of the
deviance below 1e-8, at most 25 steps), and what is derived from a fit is derived where R derives it: from the last
weighted least squares problem that was solved. So figures agree with R's to the digits that its stopping rule leaves.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

EPSILON, MOST_STEPS = 1e-8, 25

#: Below this determinant of a normal matrix with ones on its diagonal too many digits are lost with it, and the design is
#: divided into orthogonal columns instead, as R does it. A column of which less than ``DEPENDENT`` is its own is none.
DOUBTFUL, DEPENDENT = 1e-3, 1e-11


class Fit(NamedTuple):
    """A fit of each of m series with n observations and p coefficients.

    ``coefficients`` (m, p); ``fitted`` (m, n), the means; ``covariance`` (m, p, p), to be multiplied by the dispersion;
    ``working`` (m, n), weights of the last step; ``residuals`` (m, n), working residuals; ``hat`` (m, n), leverages;
    ``dispersion`` (m,), Pearson's; ``degrees`` (m,), of freedom; ``converged`` (m,).
    """

    coefficients: Floats
    fitted: Floats
    covariance: Floats
    working: Floats
    residuals: Floats
    hat: Floats
    dispersion: Floats
    degrees: Floats
    converged: Bools


def fit(design: Floats, counts: Floats, weights: Floats | None = None) -> Fit:
    """Fit log(mean) = design @ coefficients for each series.

    ``design`` (m, n, p), ``counts`` (m, n), ``weights`` (m, n), prior weights; an observation of weight 0 is not there.
    A series that does not converge has ``converged`` False and figures of no meaning.
    """
    m, n, p = design.shape
    prior = np.ones((m, n)) if weights is None else weights
    there = prior > 0
    mu = np.where(there, counts + 0.1, 1.0)
    eta = np.log(mu)
    deviance = np.where(there, prior * _deviance(counts, mu), 0).sum(axis=1)
    coefficients = np.zeros((m, p))
    covariance = np.zeros((m, p, p))
    working = np.zeros((m, n))
    done = np.zeros(m, dtype=bool)
    active = np.arange(m)
    with np.errstate(all="ignore"):
        for _ in range(MOST_STEPS):
            x, y, w0 = design[active], counts[active], prior[active]
            m0 = mu[active]
            weight = np.where(there[active], w0 * m0, 0)
            target = np.where(there[active], eta[active] + (y - m0) / m0, 0)
            inverse, beta = _solved(x, weight, target)
            eta_new = (x @ beta[:, :, None])[:, :, 0]
            mu_new = np.exp(eta_new)
            new = np.where(there[active], w0 * _deviance(y, mu_new), 0).sum(axis=1)
            coefficients[active], covariance[active], working[active] = beta, inverse, weight
            eta[active], mu[active] = eta_new, mu_new
            settled = np.abs(new - deviance[active]) / (np.abs(new) + 0.1) < EPSILON
            deviance[active] = new
            done[active] = settled
            active = active[~settled & np.isfinite(new)]
            if not len(active):
                break
        residuals = np.where(there, (counts - mu) / mu, 0)
        hat = working * ((design @ covariance) * design).sum(axis=2)
        degrees = there.sum(axis=1) - float(p)
        dispersion = (working * residuals**2).sum(axis=1) / degrees
    return Fit(coefficients, mu, covariance, working, residuals, hat, dispersion, degrees, done)


def _deviance(counts: Floats, mu: Floats) -> Floats:
    """Twice the loss of log-likelihood of each observation.

    By ``log1p``: of large counts that fit well the logarithm of a quotient leaves nothing but its rounding, which differs
    from step to step by more than the stopping rule allows.
    """
    over = counts - mu
    with np.errstate(divide="ignore", invalid="ignore"):
        log = np.where(counts > 0, counts * np.log1p(np.where(counts > 0, over / mu, 0)), 0)
    return np.asarray(2 * (log - over))


def _solved(x: Floats, weight: Floats, target: Floats) -> tuple[Floats, Floats]:
    """Inverse normal matrices (m, p, p) and coefficients (m, p) by weighted least squares; NaN where there are none."""
    weighted = x * weight[:, :, None]
    gram = np.swapaxes(x, 1, 2) @ weighted
    right = (np.swapaxes(weighted, 1, 2) @ target[:, :, None])[:, :, 0]
    if gram.shape[1] == 1:
        return 1 / gram, right / gram[:, 0]
    scale = 1 / np.sqrt(np.einsum("mpp->mp", gram))
    even = gram * scale[:, :, None] * scale[:, None, :]
    inverse = np.full_like(even, np.nan)
    if gram.shape[1] == 2:
        cosine = even[:, 0, 1]
        good = 1 - cosine**2 > DOUBTFUL
        one, off = 1 / (1 - cosine**2), -cosine / (1 - cosine**2)
        inverse[good] = np.stack([np.stack([one, off], 1), np.stack([off, one], 1)], 1)[good]
    else:
        good = np.isfinite(even).all(axis=(1, 2))
        good[good] = np.abs(np.linalg.det(even[good])) > DOUBTFUL
        inverse[good] = np.linalg.inv(even[good])
    inverse *= scale[:, :, None] * scale[:, None, :]
    beta = (inverse @ right[:, :, None])[:, :, 0]
    bad = np.flatnonzero(~good & np.isfinite(even).all(axis=(1, 2)))
    if len(bad):
        inverse[bad], beta[bad] = _orthogonal(x[bad], weight[bad], target[bad], scale[bad])
    return inverse, beta


def _orthogonal(x: Floats, weight: Floats, target: Floats, scale: Floats) -> tuple[Floats, Floats]:
    """The same for designs whose columns nearly depend on each other, by QR decomposition."""
    root = np.sqrt(weight)
    q, r = np.linalg.qr(x * root[:, :, None] * scale[:, None, :])
    own = np.abs(np.einsum("mpp->mp", r)).min(axis=1) > DEPENDENT
    r[~own] = np.eye(r.shape[1])
    back = np.linalg.inv(r) * scale[:, :, None]
    beta = (back @ (np.swapaxes(q, 1, 2) @ (root * target)[:, :, None]))[:, :, 0]
    inverse = back @ np.swapaxes(back, 1, 2)
    return np.where(own[:, None, None], inverse, np.nan), np.where(own[:, None], beta, np.nan)
