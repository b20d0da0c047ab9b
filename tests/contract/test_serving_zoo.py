"""Every model of the zoo exports, and its requests can be merged."""

import numpy as np
import pytest

import errors
import zoo
from export import saved_model, session_loader, signatures, warmup

SHAPE = (8, 8, 1)
COMMON = {"image_shape": SHAPE, "latent_dim": 3, "hidden_units": [16]}
MODELS = {
    "autoencoder": {"bank_size": 32},
    "variational_autoencoder": {},
    "latent_energy_prior": {
        "body": "dense",
        "energy_units": [8],
        "prior_steps": 6,
        "posterior_steps": 4,
        "ladder": {"name": "power_law", "num": 3, "p": 3.0},
    },
    "entropic_autoencoder": {
        "bank_size": 32,
        "encoder_steps": 4,
        "members": 3,
        "member_interval": 2,
        "chain_length": 4,
        "batch_size": 8,
        "temperature": 1e-7,
    },
}
# Batches of another size round otherwise, and long chains pass it on.
ROUNDING = {"log_evidence": 1e-4, "standard_error": 1e-4}
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def test_the_table_is_complete():
    assert {*MODELS} == {*zoo.names()}


@pytest.fixture(scope="module", params=MODELS)
def exported(request, tmp_path_factory):
    model = zoo.build(request.param, **COMMON, **MODELS[request.param])
    images = np.random.default_rng(0).uniform(size=(40, *SHAPE))
    model.fit_prior(images.astype(np.float32))
    folder = tmp_path_factory.mktemp(request.param)
    path = saved_model.export_model(
        model, str(folder), allowed_batch_sizes=(1, 8)
    )
    loaded = session_loader.LoadedModel(path)
    yield model, path, loaded
    loaded.close()


def specs_of(model):
    return {
        name: signatures.input_specs(function)
        for name, function in model.serving_functions().items()
    }


def join(*requests):
    return {
        name: np.concatenate([request[name] for request in requests])
        for name in requests[0]
    }


def assert_close(found, expected):
    for name, value in expected.items():
        rounding = ROUNDING.get(name, 1e-5)
        np.testing.assert_allclose(found[name], value, rounding, 1e-6)


def test_joined_padded_and_split_equals_separate(exported):
    model, _, loaded = exported
    for name, specs in specs_of(model).items():
        one = signatures.example_inputs(specs, 2, seed=1)
        two = signatures.example_inputs(specs, 3, seed=2)
        padding = {key: value[:1] for key, value in two.items()}
        merged = loaded.run(name, join(one, two, padding, padding, padding))
        parts = [
            {key: value[rows] for key, value in merged.items()}
            for rows in (slice(0, 2), slice(2, 5))
        ]
        assert_close(parts[0], loaded.run(name, one))
        assert_close(parts[1], loaded.run(name, two))
        # Negative control: the two requests do have different answers.
        assert any(
            not np.allclose(parts[0][key], parts[1][key][:2]) for key in merged
        )


def test_a_row_does_not_depend_on_its_position(exported):
    model, _, loaded = exported
    for name, specs in specs_of(model).items():
        inputs = signatures.example_inputs(specs, 6)
        turned = {key: value[::-1] for key, value in inputs.items()}
        found = loaded.run(name, turned)
        expected = loaded.run(name, inputs)
        assert_close({k: v[::-1] for k, v in found.items()}, expected)


def test_an_option_below_zero_is_zero_and_harms_no_other_row(exported):
    """Python refuses it; a graph would refuse merged requests with it."""
    model, _, loaded = exported
    specs = specs_of(model)["generate_with"]
    name = next((k for k in ("bandwidth", "temperature") if k in specs), None)
    if name is None:
        pytest.skip("has no such option")
    seed = np.array([[7, 0], [7, 0], [7, 1]], np.int32)

    def samples(*values):
        inputs = {"seed": seed, name: np.array(values, np.float32)}
        return loaded.run("generate_with", inputs)["samples"]

    found = samples(-3.0, 1.0, 2.0)
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found, samples(0.0, 1.0, 2.0))
    assert np.abs(found[0] - found[1]).max() > 1e-4
    with pytest.raises(errors.InputError, match="at least 0"):
        model.generate(1, **{name: -3.0})


def test_same_seeds_as_in_python(exported):
    """generate(n, seed=s) is what n rows (s, i) give on the server."""
    model, _, loaded = exported
    rows = np.stack([np.full(5, 7), np.arange(5)], 1).astype(np.int32)
    found = loaded.run("generate", {"seed": rows})["samples"]
    expected = np.asarray(model.generate(5, seed=7))
    np.testing.assert_allclose(found, expected, 1e-5, 1e-6)


def test_warmup_runs(exported):
    _, path, loaded = exported
    count = 0
    for name, inputs in warmup.read(path):
        for value in loaded.run(name, inputs).values():
            assert len(value) in (1, 8) and np.isfinite(value).all()
        count += 1
    assert count == 2 * len(loaded.signatures) - 2


def test_an_unfitted_prior_is_not_exported(tmp_path):
    model = zoo.build("autoencoder", **COMMON)
    with pytest.raises(ValueError, match="fit_prior"):
        saved_model.export_model(model, str(tmp_path))
    assert not list(tmp_path.iterdir())
