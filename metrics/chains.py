"""How well chains mix: effective sample size and split R-hat.

Both judge one mean: that of the numbers handed in. For a variance, hand in
squared deviations. Definitions as in Vehtari et al. 2021, without ranks.
"""

from typing import Any

import tensorflow as tf

import errors


def effective_sample_size(draws: Any, *, pooled: bool = False) -> tf.Tensor:
    """How many independent draws would give the mean as precisely.

    The autocorrelations are summed by pairs of lags while the pairs are
    positive (Geyer 1992). Chains that anticorrelate can exceed their length.

    Args:
        draws: floating [steps, chains, ...], one quantity in each place of
            the last axes.
        pooled: judge all chains together, at least two: those that differ
            from each other by more than they vary then count for little.
            Otherwise each chain is judged by its own variance, and one that
            is stuck in a mode looks well.

    Returns:
        [chains, ...], or [...] if pooled. NaN where nothing varies.

    Raises:
        InputError: fewer than four steps, or one chain to pool.
    """
    draws = _checked(draws, chains=2 if pooled else 1)
    steps = tf.shape(draws)[0]
    number = tf.cast(steps, draws.dtype)
    means = tf.reduce_mean(draws, 0)
    covariance = _autocovariance(draws - means)
    count = tf.ones([], draws.dtype)
    if pooled:
        count = tf.cast(tf.shape(draws)[1], draws.dtype)
        within = tf.reduce_mean(covariance, 1)
        between = _variance(means, 0)
        correlation = 1.0 - (within[0] - within) / (within[0] + between)
    else:
        correlation = covariance / covariance[0]
    even = steps // 2 * 2
    pairs = tf.reshape(
        correlation[:even], tf.concat([[-1, 2], tf.shape(correlation)[1:]], 0)
    )
    # Fewer products stand behind long lags, which count by their number.
    lags = tf.range(tf.cast(even, draws.dtype), dtype=draws.dtype)
    weights = tf.reshape(1.0 - lags / number, [-1, 2])
    shape = tf.concat(
        [tf.shape(weights), tf.ones_like(tf.shape(correlation)[1:])], 0
    )
    weighted = tf.reduce_sum(pairs * tf.reshape(weights, shape), 1)
    negative = tf.cast(tf.reduce_sum(pairs, 1) < 0.0, tf.int32)
    kept = tf.cast(tf.equal(tf.cumsum(negative, 0), 0), draws.dtype)
    time = 2.0 * tf.reduce_sum(weighted * kept, 0) - 1.0
    return count * number / time


def split_r_hat(draws: Any, *, pooled: bool = True) -> tf.Tensor:
    """How far halves of chains disagree: near 1 if they have converged.

    The root of the pooled variance over the variance within the halves, which
    count as chains of their own, so that a drift shows (Gelman and Rubin
    1992). Values above 1.01 ask for longer chains.

    Args:
        draws: floating [steps, chains, ...], one quantity in each place of
            the last axes.
        pooled: compare the halves of all chains; otherwise the two halves of
            each chain, which shows drifts but not chains that disagree.

    Returns:
        [...] if pooled, else [chains, ...]. NaN where nothing varies.

    Raises:
        InputError: fewer than four steps.
    """
    draws = _checked(draws)
    half = tf.shape(draws)[0] // 2
    # [half, 2, chains, ...]; an odd last step is left out.
    halves = tf.stack([draws[:half], draws[half : 2 * half]], 1)
    if pooled:
        rest = tf.shape(draws)[2:]
        halves = tf.reshape(halves, tf.concat([[half, -1], rest], 0))
    number = tf.cast(half, draws.dtype)
    within = tf.reduce_mean(_variance(halves, 0), 0)
    between = _variance(tf.reduce_mean(halves, 0), 0)
    return tf.sqrt((number - 1.0) / number + between / within)


def _checked(draws: Any, chains: int = 1) -> tf.Tensor:
    draws = tf.convert_to_tensor(draws)
    if not draws.dtype.is_floating or draws.shape.rank in (0, 1):
        raise errors.InputError(
            f"draws of shape {draws.shape} and dtype {draws.dtype.name} are "
            "no chains: pass floating [steps, chains, ...]"
        )
    steps, number = draws.shape[:2]
    if steps is not None and steps < 4:
        raise errors.InputError(
            f"draws of {steps} steps cannot be judged: pass 4 or more"
        )
    if number is not None and number < chains:
        raise errors.InputError(
            f"draws of {number} chains cannot be pooled: pass {chains} or "
            "more, or pooled=False"
        )
    return draws


def _variance(x: tf.Tensor, axis: int) -> tf.Tensor:
    """Unbiased."""
    number = tf.cast(tf.shape(x)[axis], x.dtype)
    return tf.math.reduce_variance(x, axis) * number / (number - 1.0)


def _autocovariance(centred: tf.Tensor) -> tf.Tensor:
    """At lags 0, 1, ..., steps - 1, along the first axis, by FFT.

    The mean of the products that there are, so that it is unbiased apart
    from the mean that was subtracted.
    """
    rank = centred.shape.rank
    last = tf.transpose(centred, [*range(1, rank), 0])
    steps = tf.shape(last)[-1]
    # Padded, so that the ends do not meet.
    spectrum = tf.signal.rfft(last, [2 * steps])
    power = tf.math.real(spectrum * tf.math.conj(spectrum))
    sums = tf.signal.irfft(tf.cast(power, spectrum.dtype), [2 * steps])
    counts = tf.cast(tf.range(steps, 0, -1), centred.dtype)
    means = sums[..., :steps] / counts
    return tf.transpose(means, [rank - 1, *range(rank - 1)])
