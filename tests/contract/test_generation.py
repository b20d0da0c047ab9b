"""What a model generates is fixed by seeds, row by row."""

import numpy as np
import pytest
import tensorflow as tf

import errors
import zoo
from samplers import seeds
from tests import table

generative = table.rows_with(zoo.Generative)


@generative
def test_a_seed_fixes_the_samples(row):
    model = row.trained
    samples = np.asarray(model.generate(5, seed=7))
    assert samples.shape == (5, *model.data.shape)
    # In the range of the kind of data.
    model.data.as_rows(samples)
    np.testing.assert_array_equal(samples, model.generate(5, seed=7))
    assert np.abs(samples - model.generate(5, seed=8)).max() > 1e-4
    assert np.abs(samples[0] - samples[1]).max() > 1e-4


@generative
def test_more_than_one_chunk(row):
    many = np.asarray(row.trained.generate(300, seed=1))
    few = np.asarray(row.trained.generate(3, seed=1))
    assert many.shape == (300, *row.trained.data.shape)
    np.testing.assert_allclose(many[:3], few, atol=1e-5)
    # Row 256 begins the second chunk.
    last = row.trained.generate_rows(seeds.rows(1, 300)[256:258])
    np.testing.assert_allclose(many[256:258], last, atol=1e-5)


@generative
def test_a_row_depends_on_its_own_seed_alone(row):
    rows = tf.constant([[3, 1], [-5, 2], [3, 9]], tf.int32)
    together = row.trained.generate_rows(rows)
    turned = row.trained.generate_rows(rows[::-1])
    np.testing.assert_allclose(together, turned[::-1], atol=1e-6)
    for index in range(3):
        alone = row.trained.generate_rows(rows[index : index + 1])
        np.testing.assert_allclose(alone[0], together[index], atol=1e-5)


@generative
def test_options_may_differ_by_row(row):
    if row.option is None:
        pytest.skip("generates without such an option")
    rows, values = seeds.rows(4, 3), [0.0, 1.0, 4.0]
    mixed = row.trained.generate_rows(rows, **{row.option: values})
    for index, value in enumerate(values):
        alone = row.trained.generate_rows(rows, **{row.option: value})
        np.testing.assert_allclose(mixed[index], alone[index], atol=1e-5)
    assert np.abs(mixed - row.trained.generate_rows(rows)).max() > 1e-5


@generative
def test_bad_calls_get_one_line(row):
    model, option = row.trained, row.option
    calls = [
        (lambda: model.generate(0), "num_samples=0"),
        (lambda: model.generate(2, seed=-1), "seed=-1"),
        (lambda: model.generate_rows([[1, 2, 3]]), "seed of shape (1, 3)"),
        (lambda: model.generate_rows(None), "seed is missing"),
    ]
    numbers = [
        (lambda: model.generate(2, **{option: -1.0}), f"{option}=-1.0 must"),
        (lambda: model.generate(2, **{option: np.nan}), f"{option}=nan must"),
        (lambda: model.generate(2, **{option: "hot"}), f"{option}='hot' must"),
        (lambda: model.generate(2, **{option: [1.0]}), "2 rows of seed"),
        (lambda: model.generate(2, **{option + "s": 1}), f"mean '{option}'"),
    ]
    for call, words in calls + (numbers if option else []):
        with pytest.raises(errors.InputError) as caught:
            call()
        assert words in str(caught.value) and "\n" not in str(caught.value)


@table.rows_with(zoo.Encoding)
def test_interpolation_ends_at_the_reconstructions(row):
    first, second = row.x[:2], row.x[2:4]
    near = row.trained.interpolate(first, second, 0.0)
    far = row.trained.interpolate(second, first, [1.0, 1.0])
    np.testing.assert_allclose(near, far, atol=1e-5)
    middle = row.trained.interpolate(first, second, 0.5)
    assert np.abs(middle - near).max() > 1e-5


@table.rows_with(zoo.Encoding)
def test_codes_have_their_size(row):
    found = row.trained.encode(row.x[:3])
    codes = found[0] if isinstance(found, tuple) else found
    assert codes.shape[0] == 3 and codes.shape[-1] == row.trained.latent_dim
    decoded = row.trained.decode(np.zeros((2, row.trained.latent_dim)))
    assert decoded.shape == (2, *row.trained.data.shape)
    none = row.trained.encode(row.x[:0])
    assert all(t.shape[0] == 0 for t in tf.nest.flatten(none))
    with pytest.raises(errors.InputError, match="x is missing"):
        row.trained.encode(None)
    with pytest.raises(errors.InputError, match="z of shape"):
        row.trained.decode(np.zeros((2, row.trained.latent_dim + 1)))


@generative
def test_before_prepare_says_what_to_call(row):
    """A prior that needs no data generates at once."""
    model = row.build()
    try:
        samples = model.generate(1)
    except errors.InputError as error:
        assert "prepare" in str(error) and "\n" not in str(error)
    else:
        assert samples.shape == (1, *model.data.shape)
