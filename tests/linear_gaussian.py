"""A latent model of which every part of a thermodynamic integral is known.

z ~ N(0, I), x|z ~ N(W z, s^2 I). The power posteriors are Gaussians, so the
tests have exact draws, E_t, Var_t, divergences and log p(x).
"""

from typing import NamedTuple

import numpy as np


class Model(NamedTuple):
    """The model and one data point.

    Attributes:
      w: [dx, dz].
      s: the noise's standard deviation.
      x: [dx].
    """

    w: np.ndarray
    s: float
    x: np.ndarray

    def power_posterior(self, t):
        """Mean [dz] and covariance [dz, dz] of p_t."""
        precision = np.eye(self.w.shape[1]) + t * self.w.T @ self.w / self.s**2
        covariance = np.linalg.inv(precision)
        return covariance @ self.w.T @ self.x * t / self.s**2, covariance

    def draws(self, t, n, rng):
        """[n, dz], exact."""
        mean, covariance = self.power_posterior(t)
        root = np.linalg.cholesky(covariance)
        return mean + rng.normal(size=(n, len(mean))) @ root.T

    def ladder_draws(self, ladder, draws, data, seed=0):
        """Exact z [N_t, draws, data, dz], and l [N_t, draws, data]."""
        rng = np.random.default_rng(seed)
        z = np.stack([self.draws(t, draws * data, rng) for t in ladder])
        z = z.reshape([len(ladder), draws, data, -1])
        return z, self.log_likelihood(z)

    def log_likelihood(self, z):
        """l(z) [...] of z [..., dz]."""
        error = self.x - z @ self.w.T
        constant = len(self.x) * np.log(2 * np.pi * self.s**2)
        return -0.5 * (np.sum(error**2, -1) / self.s**2 + constant)

    def moments(self, t):
        """E_t[l] and Var_t(l)."""
        mean, covariance = self.power_posterior(t)
        a = self.w @ covariance @ self.w.T / self.s**2
        r = (self.x - self.w @ mean) / self.s
        constant = len(self.x) * np.log(2 * np.pi * self.s**2)
        expected = -0.5 * (r @ r + np.trace(a) + constant)
        return expected, 0.5 * np.sum(a * a) + r @ a @ r

    def divergence(self, t, u):
        """KL(p_t || p_u)."""
        m, c = self.power_posterior(t)
        n, d = self.power_posterior(u)
        inverse = np.linalg.inv(d)
        logs = np.linalg.slogdet(d)[1] - np.linalg.slogdet(c)[1]
        shift = (n - m) @ inverse @ (n - m)
        return 0.5 * (np.trace(inverse @ c) - len(m) + shift + logs)

    def log_evidence(self, prior_variance=1.0):
        """The exact log p(x), with z ~ N(0, prior_variance)."""
        cov = prior_variance * self.w @ self.w.T
        cov = cov + self.s**2 * np.eye(len(self.x))
        square = self.x @ np.linalg.solve(cov, self.x)
        log_det = np.linalg.slogdet(2 * np.pi * cov)[1]
        return -0.5 * (square + log_det)


def model(dz=8, dx=32, s=0.3, seed=0):
    """W with entries N(0, 1/dz), and x drawn from the model."""
    rng = np.random.default_rng(seed)
    w = rng.normal(size=(dx, dz)) / np.sqrt(dz)
    x = w @ rng.normal(size=dz) + s * rng.normal(size=dx)
    return Model(w, s, x)
