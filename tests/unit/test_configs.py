"""Every config file: locked, complete, documented, and it builds a model."""

import importlib.util
import inspect
import pathlib

import keras
import ml_collections
import pytest

import zoo
from configs import experiment
from training import checkpoints, optimizers, settings
from zoo import latent_tempering

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


def _adam(options):
    """The optimizer, and its rate as a function of the step."""
    adam = optimizers.build(**options)
    rate = adam.get_config()["learning_rate"]["config"]
    return adam, optimizers.StepwiseDecay(**rate)


def test_the_latent_priors_own_defaults_are_the_configs():
    """But for latent_dim: ours, and that of the thesis's CelebA."""
    given = dict(experiment.latent())
    parameters = inspect.signature(zoo.MODELS[given.pop("name")]).parameters
    # Placeholders are None in a config that nobody fills in.
    whole = ml_collections.ConfigDict(given).to_dict()
    own = {key: parameters[key].default for key in whole}
    # None stands for this one.
    default = latent_tempering.ladder_of(
        own.pop("ladder") or latent_tempering.DEFAULT
    )
    ladder = latent_tempering.ladder_of(whole.pop("ladder"))
    assert ladder.tolist() == default.tolist()
    differing = {key for key in whole if whole[key] != own[key]}
    assert differing == {"latent_dim"}


# Pang 2020: epochs, images of one, code, and the generator's widths, as its
# published script has them; the SVHN images are those that we train on.
_PANG = {
    "svhn": (201, 61_048, 100, [512, 256, 128, 3]),
    "celeba": (201, 40_000, 100, [512, 256, 128, 64, 3]),
}


@pytest.mark.parametrize("data", _PANG)
def test_pangs_sets_have_pangs_schedule(data):
    full = settings.complete(_module(f"lebm_{data}").get_config("pang"))
    full["model"]["image_shape"] = _SHAPES[full["data"]["name"]]
    model = checkpoints.build_model(full)
    epochs, images, codes, widths = _PANG[data]
    assert full["data"]["train_images"] == images
    assert full["data"]["batch_size"] == 100
    epoch = images // 100
    assert full["training"]["steps"] == epochs * epoch
    assert model.latent_dim == codes
    # Without the product that the first layer is.
    layers = model.decoder.layers[1:]
    found = dict.fromkeys(layer.output.shape[-1] for layer in layers)
    assert list(found) == widths
    assert model.settings.energy_units == (200, 200)
    assert model.settings.energy_slope == 0.2
    chain = model.settings.posterior_chain
    assert chain == ("langevin", 20, 0.005)
    for section in ("optimizer", "prior_optimizer"):
        options = full[section]
        first = 1e-4 if section == "optimizer" else 2e-5
        _, rate = _adam(options)
        assert float(rate(epoch - 1)) == pytest.approx(first)
        # After 2,000 epochs: there is no floor.
        for times in (1, 200, 2000):
            found = float(rate(times * epoch))
            assert found == pytest.approx(first * 0.998**times, rel=1e-4)


# Raj 2024, by the names of its code. E is of the prior, G of the generator.
_TABLE_4 = {
    "DATASET": "CelebA",
    "NUM_EPOCHS": 50,
    "BATCH_SIZE": 75,
    "NUM_TRAIN_DATA": 12_000,
    "NUM_VAL_DATA": 4_500,
    "Z_CHANNELS": 80,
    "EBM_FEATURE_DIM": 100,
    "EBM_LEAK": 0.1,
    "GEN_FEATURE_DIM": 64,
    "GEN_LEAK": 0.2,
    "p0_SIGMA": 1.0,
    "LKHOOD_SIGMA": 0.3,
    "E_INITIAL_LR": 2e-5,
    "G_INITIAL_LR": 1e-4,
    "E_FINAL_LR": 1e-5,
    "G_FINAL_LR": 5e-5,
    "E_BETA_1": 0.5,
    "E_BETA_2": 0.999,
    "G_BETA_1": 0.5,
    "G_BETA_2": 0.999,
    "BEGIN_EPOCH": 1,
    "DECAY_RATE": 0.975,
    "STEP_INTERVAL": 1,
    "E_STEP_SIZE": 0.16,
    "G_STEP_SIZE": 0.01,
    "E_SAMPLE_STEPS": 60,
    "G_SAMPLE_STEPS": 20,
    "NUM_TEMPS": 10,
}
_TABLE_5 = {
    **_TABLE_4,
    "DATASET": "CIFAR10",
    "Z_CHANNELS": 100,
    "G_SAMPLE_STEPS": 40,
}


def _by_the_names_of_the_tables(full, model):
    """What a run of the settings does, read off the objects that do it."""
    data, training = full["data"], full["training"]
    epoch = data["train_images"] // data["batch_size"]
    tilt, generator = model.tilt, model.decoder

    def leak(network):
        (slope,) = {
            float(layer.negative_slope)
            for layer in network.layers
            if isinstance(layer, keras.layers.LeakyReLU)
        }
        return slope

    (units,) = {layer.units for layer in tilt.layers[:-1:2]}
    chains = {"E": model.settings.prior_chain}
    chains["G"] = model.settings.posterior_chain
    found = {
        "DATASET": {"celeb_a": "CelebA", "cifar10": "CIFAR10"}[data["name"]],
        "NUM_EPOCHS": training["steps"] / epoch,
        "BATCH_SIZE": data["batch_size"],
        "NUM_TRAIN_DATA": data["train_images"],
        "NUM_VAL_DATA": data["eval_images"],
        "Z_CHANNELS": tilt.input_shape[-1],
        "EBM_FEATURE_DIM": units,
        "EBM_LEAK": leak(tilt),
        "GEN_FEATURE_DIM": generator.layers[1].output.shape[-1] / 16,
        "GEN_LEAK": leak(generator),
        "p0_SIGMA": model.settings.prior_sigma,
        "LKHOOD_SIGMA": model.settings.sigma,
        "NUM_TEMPS": len(model.settings.integral.tempering.ladder),
    }
    for letter, section in (("E", "prior_optimizer"), ("G", "optimizer")):
        chain = chains[letter]
        assert chain.dynamics == "langevin"
        found[f"{letter}_SAMPLE_STEPS"] = chain.steps
        found[f"{letter}_STEP_SIZE"] = chain.step_size
        adam, rate = _adam(full[section])
        found[f"{letter}_INITIAL_LR"] = float(rate(0))
        found[f"{letter}_FINAL_LR"] = float(rate(training["steps"] - 1))
        found[f"{letter}_BETA_1"] = adam.beta_1
        found[f"{letter}_BETA_2"] = adam.beta_2
        rates = [float(rate(step)) for step in range(3 * epoch)]
        falls = [i for i in range(1, len(rates)) if rates[i] < rates[i - 1]]
        found["BEGIN_EPOCH"] = falls[0] / epoch
        found["STEP_INTERVAL"] = (falls[1] - falls[0]) / epoch
        found["DECAY_RATE"] = rates[falls[0]] / rates[0]
    return found


@pytest.mark.parametrize(
    ("data", "table"), [("celeba", _TABLE_4), ("cifar10", _TABLE_5)]
)
def test_the_thesiss_sets_have_the_thesiss_settings(data, table):
    full = settings.complete(_module(f"lebm_{data}").get_config())
    full["model"]["image_shape"] = _SHAPES[full["data"]["name"]]
    model = checkpoints.build_model(full)
    found = _by_the_names_of_the_tables(full, model)
    assert found.pop("DATASET") == table["DATASET"]
    numbers = {key: table[key] for key in found}
    assert found == pytest.approx(numbers, rel=1e-6)
    assert {"DATASET", *found} == {*table}


def test_the_paper_config_is_the_papers():
    config = _module("eae_mnist").get_config("paper")
    blocks = config.model.encoder_steps // config.data.block
    assert config.model.encoder_steps == 3126
    assert config.training.steps == 250 * blocks


def test_an_unknown_argument_names_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'quick'"):
        _module("eae_mnist").get_config("quik")
