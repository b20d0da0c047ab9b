"""Every config file: locked, complete, documented, and it builds a model."""

import importlib.util
import pathlib

import pytest

from training import checkpoints, settings

_FOLDER = pathlib.Path(__file__).parents[2] / "configs"
_FILES = sorted(p.stem for p in _FOLDER.glob("*_*.py") if p.stem[0] != "_")
_SHAPES = {
    "digits": [8, 8, 1],
    "mnist": [28, 28, 1],
    "fashion_mnist": [28, 28, 1],
    "svhn_cropped": [32, 32, 3],
    "cifar10": [32, 32, 3],
    "celeb_a": [64, 64, 3],
}
_SMALL = ("digits", "mnist")
_LATENT = ("mnist", "fashion_mnist", "svhn", "cifar10", "celeba")


def _module(name):
    path = _FOLDER / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"config_{name}", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_model_has_a_config_for_both_sets():
    expected = {f"{m}_{d}" for m in ("ae", "vae", "eae") for d in _SMALL}
    expected |= {f"lebm_{data}" for data in _LATENT}
    assert expected == set(_FILES)


@pytest.mark.parametrize("name", _FILES)
@pytest.mark.parametrize("arg", ["", "quick"])
def test_a_config_is_locked_complete_and_builds(name, arg):
    config = _module(name).get_config(arg)
    assert config.is_locked
    full = settings.complete(config)
    full["model"]["image_shape"] = _SHAPES[full["data"]["name"]]
    model = checkpoints.build_model(full)
    assert model.image_shape == tuple(full["model"]["image_shape"])
    if full["data"]["block"]:
        steps = full["model"]["encoder_steps"]
        assert steps % full["data"]["block"] == 0
        assert full["model"]["batch_size"] == full["data"]["batch_size"]


@pytest.mark.parametrize("name", _FILES)
def test_a_config_says_source_command_time_and_score(name):
    text = _module(name).__doc__ or ""
    for word in ("python train.py --config=configs/", "cores", "test_mse"):
        assert word in text
    assert name in text


@pytest.mark.parametrize("data", _LATENT)
@pytest.mark.parametrize("arg", ["mle", "ti", "pang"])
def test_variants_of_the_latent_prior_build(data, arg):
    full = settings.complete(_module(f"lebm_{data}").get_config(arg))
    full["model"]["image_shape"] = _SHAPES[full["data"]["name"]]
    full["model"]["filters"] = 1
    model = checkpoints.build_model(full)
    ti = arg == "ti"
    assert model.settings.estimator == ("ti" if ti else "mle")
    gradient = "trapezoid" if ti else "posterior"
    assert model.settings.generator_gradient == gradient
    chain = model.settings.prior_chain
    # Pang's z - s^2 / 2 grad with s = 0.4 is our h = 0.08; the thesis's s
    # is h.
    assert chain == ("langevin", 60, 0.08 if arg == "pang" else 0.16)
    assert full["optimizer"]["beta_1"] == 0.5
    assert full["prior_optimizer"]["learning_rate"] == 2e-5


def test_the_paper_config_is_the_papers():
    config = _module("eae_mnist").get_config("paper")
    blocks = config.model.encoder_steps // config.data.block
    assert config.model.encoder_steps == 3126
    assert config.training.steps == 250 * blocks


def test_an_unknown_argument_names_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'quick'"):
        _module("eae_mnist").get_config("quik")
