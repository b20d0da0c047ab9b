"""Seeds: known answers, independence, and what must not correlate."""

import numpy as np
import pytest
import tensorflow as tf

import errors
from samplers import seeds


def _words(*values):
    return [tf.constant(value, tf.uint32) for value in values]


# The published known answers of Random123 for threefry2x32 with 20 rounds.
@pytest.mark.parametrize(
    ("key", "counter", "answer"),
    [
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((0xFFFFFFFF,) * 2, (0xFFFFFFFF,) * 2, (0x1CB996FC, 0xBB002BE7)),
        (
            (0x13198A2E, 0x03707344),
            (0x243F6A88, 0x85A308D3),
            (0xC4923A9C, 0x483DF7A0),
        ),
    ],
)
def test_threefry_known_answers(key, counter, answer):
    bits = seeds.threefry(_words(*key), _words(*counter))
    assert tuple(int(word) for word in bits) == answer


def test_rows_count_up():
    assert seeds.rows(7, 3).numpy().tolist() == [[7, 0], [7, 1], [7, 2]]
    with pytest.raises(errors.InputError, match="32 bits"):
        seeds.rows(2**31, 3)


def test_a_row_depends_on_its_seed_alone():
    row_seeds = seeds.rows(5, 64)
    normal = seeds.row_normal(row_seeds, [3, 5], 1).numpy()
    order = np.random.default_rng(0).permutation(64)[:7]
    part = seeds.row_normal(tf.gather(row_seeds, order), [3, 5], 1).numpy()
    np.testing.assert_array_equal(part, normal[order])
    folded = seeds.row_fold_in(row_seeds, 9).numpy()
    part = seeds.row_fold_in(tf.gather(row_seeds, order), 9).numpy()
    np.testing.assert_array_equal(part, folded[order])


@pytest.mark.parametrize("jit_compile", [False, True])
def test_rows_agree_between_compilers(jit_compile):
    row_seeds = seeds.rows(-3, 16)
    compiled = seeds.compiled(
        lambda rows: seeds.row_uniform(rows, [7], 2), jit_compile
    )
    eager = seeds.row_uniform(row_seeds, [7], 2).numpy()
    np.testing.assert_array_equal(compiled(row_seeds).numpy(), eager)


def test_row_numbers_have_their_moments_and_salts_differ():
    row_seeds = seeds.rows(0, 2000)
    normal = seeds.row_normal(row_seeds, [51], 0).numpy()
    assert abs(normal.mean()) < 4 / np.sqrt(normal.size)
    assert abs(normal.var() - 1) < 4 * np.sqrt(2 / normal.size)
    uniform = seeds.row_uniform(row_seeds, [51], 0).numpy()
    assert 0 <= uniform.min() < uniform.max() < 1
    assert abs(uniform.mean() - 0.5) < 4 / np.sqrt(12 * uniform.size)
    salted = seeds.row_normal(row_seeds, [51], 1).numpy()
    pairs = [
        (normal, salted),
        (normal[1:], normal[:-1]),
        (normal[:, 1:], normal[:, :-1]),
        (normal, seeds.row_normal(seeds.rows(1, 2000), [51], 0).numpy()),
        (
            normal,
            seeds.row_normal(seeds.row_fold_in(row_seeds, 0), [51], 0).numpy(),
        ),
    ]
    for left, right in pairs:
        assert abs((left * right).mean()) < 4 / np.sqrt(left.size)


def test_neighbouring_runs_share_nothing():
    def draws(step_seed, run):
        return np.array(
            [seeds.uniform(step_seed(run, t), [8]).numpy() for t in range(40)]
        )

    def folded(run, t):
        return seeds.fold_in(seeds.seed(run), t)

    def added(run, t):
        return seeds.seed(run + t)

    def shared(step_seed):
        here, there = draws(step_seed, 0), draws(step_seed, 1)
        return len(np.intersect1d(here, there))

    assert shared(folded) == 0
    # The control: run 1 repeats run 0 one step later.
    assert shared(added) == 39 * 8


def test_splits_and_folds_differ():
    seed = seeds.seed(3)
    derived = [*seeds.split(seed, 4), seed]
    derived += [seeds.fold_in(seed, t) for t in range(4)]
    derived += [seeds.fold_in(part, 0) for part in seeds.split(seed, 4)]
    assert len({tuple(one.numpy()) for one in derived}) == len(derived)


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("dtype", [tf.float32, tf.float64])
def test_normals_are_normal(jit_compile, dtype):
    scipy_stats = pytest.importorskip("scipy.stats")
    draw = seeds.compiled(
        lambda seed: seeds.normal(seed, [301, 67], dtype), jit_compile
    )
    x = draw(seeds.seed(11)).numpy()
    assert x.dtype == dtype.as_numpy_dtype
    assert scipy_stats.kstest(x.ravel(), "norm").pvalue > 0.01
    assert scipy_stats.kstest(1.1 * x.ravel(), "norm").pvalue < 1e-4
    np.testing.assert_array_equal(x, draw(seeds.seed(11)).numpy())
    # The two halves of the Box-Muller pairs are not correlated.
    y = x.ravel()
    half = (y.size + 1) // 2
    assert abs(np.mean(y[: y.size - half] * y[half:])) < 4 / np.sqrt(half)


@pytest.mark.parametrize("shape", [[], [1], (2, 3), np.array([2, 2])])
def test_shapes(shape):
    shape = tf.constant(shape) if isinstance(shape, np.ndarray) else shape
    wanted = tuple(np.array(shape, np.int64))
    assert tuple(seeds.normal(seeds.seed(0), shape).shape) == wanted
    assert tuple(seeds.uniform(seeds.seed(0), shape).shape) == wanted


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_permuted_is_a_permutation(size):
    index = tf.range(size, dtype=tf.int64)
    order = seeds.permuted(index, seeds.seed(4), size).numpy()
    assert sorted(order) == list(range(size))
    one = seeds.permuted(size - 1, seeds.seed(4), size).numpy()
    assert one == order[-1]
    if size > 10:
        other = seeds.permuted(index, seeds.fold_in(seeds.seed(4), 1), size)
        assert (order == other.numpy()).mean() < 0.02


def test_seed_takes_integers_only():
    assert seeds.seed(5).numpy().tolist() == [0, 5]
    assert seeds.seed(-1).numpy().tolist() == [-1, -1]
    assert seeds.seed(2**32).numpy().tolist() == [1, 0]
    for wrong in (1.5, True, "0"):
        with pytest.raises(errors.InputError, match="not an integer"):
            seeds.seed(wrong)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("value", [2**64, -(2**63) - 1])
def test_a_seed_of_more_than_64_bits_is_refused(value):
    """Its higher bits would be lost: two seeds would be one."""
    with pytest.raises(errors.InputError, match="does not fit 64 bits"):
        seeds.seed(value)
    assert seeds.seed(2**64 - 1).shape == (2,)
