"""The losses as their books define them, in arbitrary precision and without a care for stability.

Each takes the residual, or prediction and target, then the further arrays, then the parameters by name.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import mpmath
from mpmath import cos, cosh, exp, inf, log, loggamma, pi, sqrt


def _barron(r: Any, alpha: Any, c: Any) -> Any:
    z = r / c
    if alpha == 2:
        return z**2 / 2
    if alpha == 0:
        return log(z**2 / 2 + 1)
    if alpha == -inf:
        return 1 - exp(-(z**2) / 2)
    if alpha == inf:
        return exp(z**2 / 2) - 1
    b = abs(alpha - 2)
    return b / alpha * ((z**2 / b + 1) ** (alpha / 2) - 1)


def _pseudo_huber(r: Any, delta: Any) -> Any:
    return r**2 / 2 if delta == inf else delta**2 * (sqrt(1 + (r / delta) ** 2) - 1)


def _tukey(r: Any, c: Any) -> Any:
    return c**2 / 6 * (1 - (1 - (r / c) ** 2) ** 3) if abs(r) < c else c**2 / 6


def _andrews(r: Any, a: Any) -> Any:
    return a**2 * (1 - cos(r / a)) if abs(r) < pi * a else 2 * a**2


def _hampel(r: Any, a: Any, b: Any, c: Any) -> Any:
    z = abs(r)
    if z <= a:
        return z**2 / 2
    if z <= b:
        return a * z - a**2 / 2
    limit = a * (b + c - a) / 2
    return limit - a * (c - z) ** 2 / (c - b) / 2 if z <= c else limit


def _balanced_l1(r: Any, alpha: Any, gamma: Any, beta: Any) -> Any:
    a, b = abs(r), exp(gamma / alpha) - 1
    if a < beta:
        return alpha / b * (b * a + 1) * log(b * a / beta + 1) - alpha * a
    return gamma * a + gamma / b - alpha * beta


def _symmetric_percentage(x: Any, t: Any) -> Any:
    return mpmath.mpf(0) if x == t == 0 else abs(x - t) / ((abs(x) + abs(t)) / 2)


def _gaussian_nll(r: Any, var: Any, full: bool, eps: Any) -> Any:
    var = max(var, eps)
    return (log(var) + r**2 / var) / 2 + (log(2 * pi) / 2 if full else 0)


@functools.cache
def _student_constant(df: Any, precision: int) -> Any:
    return loggamma(df / 2) - loggamma((df + 1) / 2) + log(pi * df) / 2


def _student_t_nll(r: Any, scale: Any, df: Any) -> Any:
    if df == inf:
        return log(scale) + (r / scale) ** 2 / 2 + log(2 * pi) / 2
    return (df + 1) / 2 * log(1 + (r / scale) ** 2 / df) + log(scale) + _student_constant(df, mpmath.mp.prec)


def _poisson_nll(x: Any, t: Any, log_input: bool, full: bool, eps: Any) -> Any:
    stirling = t * log(t) - t + log(2 * pi * t) / 2 if full and t > 1 else 0
    return (exp(x) - t * x if log_input else x - t * log(x + eps)) + stirling


def _poisson_deviance(x: Any, t: Any, log_input: bool) -> Any:
    x = exp(x) if log_input else x
    return 2 * ((t * log(t / x) if t > 0 else 0) - t + x)


def _gamma_deviance(x: Any, t: Any, log_input: bool) -> Any:
    x = exp(x) if log_input else x
    return 2 * (log(x / t) + t / x - 1)


def _tweedie_deviance(x: Any, t: Any, p: Any, log_input: bool) -> Any:
    if p == 1:
        return _poisson_deviance(x, t, log_input)
    if p == 2:
        return _gamma_deviance(x, t, log_input)
    x = exp(x) if log_input else x
    if p == 0:
        return (x - t) ** 2
    first = t ** (2 - p) / ((1 - p) * (2 - p)) if t > 0 else 0
    return 2 * (first - t * x ** (1 - p) / (1 - p) + x ** (2 - p) / (2 - p))


TEXTBOOK: Mapping[str, Callable[..., Any]] = {
    "l1": abs,
    "mse": lambda r: r**2,
    "half_mse": lambda r: r**2 / 2,
    "smooth_l1": lambda r, beta: r**2 / (2 * beta) if abs(r) < beta else abs(r) - beta / 2,
    "huber": lambda r, delta: r**2 / 2 if abs(r) <= delta else delta * abs(r) - delta**2 / 2,
    "pseudo_huber": _pseudo_huber,
    "charbonnier": lambda r, eps: sqrt(r**2 + eps**2),
    "log_cosh": lambda r: log(cosh(r)),
    "balanced_l1": _balanced_l1,
    "quantile": lambda r, q: (1 - q) * r if r >= 0 else -q * r,
    "huber_quantile": lambda r, q, delta: (q if r < 0 else 1 - q) * TEXTBOOK["huber"](r, delta),
    "expectile": lambda r, q: (q if r < 0 else 1 - q) * r**2,
    "linex": lambda r, a: exp(a * r) - a * r - 1,
    "cauchy": lambda r, c: c**2 / 2 * log(1 + (r / c) ** 2),
    "geman_mcclure": lambda r, c: 2 * (r / c) ** 2 / ((r / c) ** 2 + 4),
    "welsch": lambda r, c: 1 - exp(-((r / c) ** 2) / 2),
    "barron": _barron,
    "barron_nll": lambda r, log_partition, alpha, c: _barron(r, alpha, c) + log(c) + log_partition,
    "arctan": lambda r, c: c**2 * mpmath.atan((r / c) ** 2),
    "tukey": _tukey,
    "andrews": _andrews,
    "hampel": _hampel,
    "ramsay": lambda r, a: (1 - exp(-a * abs(r)) * (1 + a * abs(r))) / a**2,
    "trimmed_mean": lambda r, c: r**2 / 2 if abs(r) <= c else c**2 / 2,
    "absolute_percentage": lambda x, t, eps: abs(x - t) / max(abs(t), eps),
    "symmetric_percentage": _symmetric_percentage,
    "msle": lambda x, t: (log(1 + x) - log(1 + t)) ** 2,
    "mase": lambda r, scale: abs(r) / scale,
    "gaussian_nll": _gaussian_nll,
    "laplace_nll": lambda r, scale: log(2 * scale) + abs(r) / scale,
    "student_t_nll": _student_t_nll,
    "poisson_nll": _poisson_nll,
    "poisson_deviance": _poisson_deviance,
    "gamma_deviance": _gamma_deviance,
    "tweedie_deviance": _tweedie_deviance,
}
