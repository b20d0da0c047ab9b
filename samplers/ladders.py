"""Ladders of inverse temperatures from the prior (t = 0) to the posterior.

A ladder is an array [N_t], 0 = t_0 < t_1 < ... < t_{N_t-1} = 1. N_t counts
nodes, so there are N_t - 1 intervals; texts that number their temperatures
from 1 to N_t without t = 0 have one interval more at the same N_t.

    ladder = ladders.power_law(10, 3.0)  # float64 [10]
    ladder = ladders.make("geometric", 10, first=1e-3)
    ladder = ladders.equalised(ladder, divergences)  # measured, [9]
"""

import inspect
from typing import Any

import numpy as np
import tensorflow as tf

import errors


def check(ladder: Any) -> Any:
    """The ladder in float64, unless it is none.

    Args:
      ladder: [N_t], numbers, an array or a tensor.

    Returns:
      float64 [N_t]: an array, or a tensor where the numbers are not known
      before the graph runs (then only the shape is checked).

    Raises:
      InputError: fewer than two nodes, or nodes that do not start at 0, do
        not end at 1 or do not increase.
    """
    if tf.is_tensor(ladder):
        nodes, shape = tf.get_static_value(ladder), ladder.shape
    else:
        nodes = _numbers("ladder", ladder)
        shape = tf.TensorShape(nodes.shape)
    if shape.rank not in (1, None):
        raise errors.InputError(
            f"ladder of shape {shape} is not [N_t]: pass one inverse "
            "temperature a node"
        )
    if shape.rank == 1 and shape[0] in (0, 1):
        raise errors.InputError(
            f"ladder has N_t={shape[0]} nodes: choose 2 or more, t=0 and t=1 "
            "among them"
        )
    if nodes is None:
        return tf.cast(ladder, tf.float64)
    nodes = np.asarray(nodes, np.float64)
    if nodes[0] != 0.0:
        raise errors.InputError(
            f"ladder starts at t={nodes[0]:g}: its first node must be 0, the "
            "prior"
        )
    if nodes[-1] != 1.0:
        raise errors.InputError(
            f"ladder ends at t={nodes[-1]:g}: its last node must be 1, the "
            "posterior"
        )
    steps = np.diff(nodes)
    if not np.all(steps > 0):
        i = int(np.argmin(steps > 0))
        raise errors.InputError(
            f"ladder does not increase from t={nodes[i]:g} to "
            f"t={nodes[i + 1]:g}: every node must exceed the one before"
        )
    return nodes


def uniform(num: int) -> np.ndarray:
    """`num` nodes at equal distances."""
    return np.linspace(0.0, 1.0, _count(num))


def power_law(num: int, p: float) -> np.ndarray:
    """t_i = (i / (N_t - 1))^p, i = 0, 1, ... (Friel 2008; Raj 2024, Eq. 26).

    Args:
      num: N_t. The thesis prints i / N_t; its code has these nodes.
      p: above 1 for many nodes near the prior, below 1 near the posterior.

    Returns:
      float64 [N_t].

    Raises:
      InputError: N_t < 2, or p not positive.
    """
    return check(uniform(num) ** _positive("p", p))


def geometric(num: int, first: float) -> np.ndarray:
    """0, and then nodes at equal ratios from `first` to 1.

    Args:
      num: N_t.
      first: t_1, between 0 and 1. With two nodes it is not used.

    Returns:
      float64 [N_t].

    Raises:
      InputError: N_t < 2, or `first` not between 0 and 1.
    """
    num = _count(num)
    if not 0 < _positive("first", first) < 1:
        raise errors.InputError(
            f"first={first:g} is no first node: choose a number between 0 and 1"
        )
    if num == 2:
        return uniform(2)
    return check(np.append(0.0, first ** np.linspace(1.0, 0.0, num - 1)))


def sigmoidal(num: int, steepness: float) -> np.ndarray:
    """Nodes dense at both ends: the logistic function, scaled to [0, 1].

    t(u) ~ 1 / (1 + exp(-k (u - 1/2))) at equal steps of u.

    Args:
      num: N_t.
      steepness: k; near 0 the ladder is uniform, and at 10 the first step of
        N_t = 10 is a twentieth of the widest.

    Returns:
      float64 [N_t].

    Raises:
      InputError: N_t < 2, or a steepness not positive or so large that nodes
        fall on each other.
    """
    quarter = 0.25 * _positive("steepness", steepness)
    curve = np.tanh(quarter * (2.0 * uniform(num) - 1.0))
    nodes = 0.5 + 0.5 * curve / np.tanh(quarter)
    nodes[0], nodes[-1] = 0.0, 1.0
    return check(nodes)


def fixed_variance(num: int, ladder: Any, variance: Any) -> np.ndarray:
    """Nodes that all give the integral's estimate the same variance.

    The estimate of log p(x) has the Monte Carlo variance sum_i w_i^2 V_i / n,
    with the widths w_i of the nodes and V_t = Var_t(log p(x|z)). It is least
    where nodes have a density proportional to sqrt(V_t): then every term is
    the same (Gelman 1998; Calderhead 2009, who draw t at random and so have
    the second moment E_t[log p(x|z)^2] in its place: pass that to get their
    density). Between the pilot's nodes 1 / sqrt(V) is taken as linear in t,
    which is exact for a Gaussian of one dimension around the data.

    Args:
      num: N_t of the new ladder.
      ladder: [M], a pilot ladder.
      variance: [M], V at its nodes, averaged over data.

    Returns:
      float64 [N_t].

    Raises:
      InputError: no ladder, or variances that are not positive.
    """
    nodes = check(ladder)
    values = _measured("variance", variance, nodes.shape, positive=True)
    inverse = 1.0 / np.sqrt(values)
    growth = inverse[1:] / inverse[:-1] - 1.0
    growth = np.where(np.abs(growth) < 1e-9, 1e-9, growth)
    bend = np.log1p(growth)
    lengths = np.diff(nodes) / inverse[:-1] * bend / growth
    total = np.append(0.0, np.cumsum(lengths))
    wanted = np.linspace(0.0, total[-1], _count(num))[1:-1]
    i = np.clip(np.searchsorted(total, wanted, "right") - 1, 0, len(bend) - 1)
    share = np.expm1((wanted - total[i]) / lengths[i] * bend[i]) / growth[i]
    inner = nodes[i] + share * np.diff(nodes)[i]
    return check(np.concatenate([[0.0], inner, [1.0]]))


def equalised(
    ladder: Any, divergences: Any, num: int | None = None
) -> np.ndarray:
    """Nodes with equal summed divergence between neighbours: one round.

    KL(p_{i-1}||p_i) + KL(p_i||p_{i-1}) = dt_i (E_i - E_{i-1}), see
    `losses.summed_divergence`, grows with the square of a small interval; its
    root is a length that adds up along the ladder, and the new nodes divide
    the whole length evenly. Inside an interval the length is taken as linear,
    so measure at the new nodes and repeat: a ladder that is equalised stays.

    Args:
      ladder: [M].
      divergences: [M - 1], of its intervals, averaged over data. Noise may
        make some of them negative; these count as zero.
      num: N_t of the new ladder; M if None.

    Returns:
      float64 [N_t].

    Raises:
      InputError: no ladder, or divergences of another length, not finite or
        nowhere positive.
    """
    nodes = check(ladder)
    shape = (len(nodes) - 1,)
    values = _measured("divergences", divergences, shape, positive=False)
    lengths = np.sqrt(np.maximum(values, 0.0))
    if not lengths.any():
        raise errors.InputError(
            "divergences are nowhere positive: measure them with more samples"
        )
    total = np.append(0.0, np.cumsum(lengths))
    wanted = np.linspace(0.0, total[-1], _count(num or len(nodes)))
    new = np.interp(wanted, total, nodes)
    new[0], new[-1] = 0.0, 1.0
    return check(new)


# The ladders that need no measurement, for flags.
NAMED: dict[str, Any] = {
    "geometric": geometric,
    "power_law": power_law,
    "sigmoidal": sigmoidal,
    "uniform": uniform,
}


def make(name: str, num: int, **options: float) -> np.ndarray:
    """The ladder of a name in `NAMED`.

    Args:
      name: "power_law", "uniform", "geometric" or "sigmoidal".
      num: N_t.
      **options: what else that ladder takes, by name: `p`, `first` or
        `steepness`.

    Returns:
      float64 [N_t].

    Raises:
      InputError: an unknown name, an option missing or not known, or a value
        outside its range.
    """
    if name not in NAMED:
        raise errors.InputError(
            f"ladder {name!r} is unknown: choose one of {', '.join(NAMED)}"
        )
    wanted = [
        k for k in inspect.signature(NAMED[name]).parameters if k != "num"
    ]
    if sorted(options) != sorted(wanted):
        raise errors.InputError(
            f"ladder {name!r} with options {sorted(options)} does not fit: "
            f"give {', '.join(wanted) or 'none'}"
        )
    return NAMED[name](num, **options)


def _count(num: Any) -> int:
    if isinstance(num, bool) or not isinstance(num, int | np.integer):
        raise errors.InputError(
            f"N_t={num!r} is not whole: choose 2 nodes or more"
        )
    if num < 2:
        raise errors.InputError(
            f"N_t={num} nodes make no ladder: choose 2 or more, t=0 and t=1 "
            "among them"
        )
    return int(num)


def _numbers(name: str, values: Any) -> np.ndarray:
    try:
        return np.asarray(values, np.float64)
    except (TypeError, ValueError) as error:
        raise errors.InputError(
            f"{name} {values!r} are not numbers: pass one a node"
        ) from error


def _positive(name: str, value: Any) -> float:
    if isinstance(value, bool | str) or not np.isscalar(value):
        raise errors.InputError(
            f"{name}={value!r} is not a number: choose one above 0"
        )
    if not 0 < float(value) < np.inf:  # pyright: ignore[reportArgumentType]
        raise errors.InputError(
            f"{name}={value} is not positive: choose a finite number above 0"
        )
    return float(value)  # pyright: ignore[reportArgumentType]


def _measured(
    name: str, values: Any, shape: tuple[int, ...], positive: bool
) -> np.ndarray:
    values = _numbers(name, values)
    if values.shape != shape:
        raise errors.InputError(
            f"{name} of shape {values.shape} does not fit the ladder: pass "
            f"{shape[0]} numbers"
        )
    if not np.all(np.isfinite(values)) or (positive and values.min() <= 0):
        rule = "positive and finite" if positive else "finite"
        raise errors.InputError(
            f"{name} is not {rule} at every node: measure with more samples"
        )
    return values
