"""Every config file: locked, complete, and it builds a model."""

import importlib.util
import pathlib

import keras
import pytest

import zoo
from training import checkpoints, optimizers, settings

_FOLDER = pathlib.Path(__file__).parents[2] / "configs"
_FILES = sorted(p.stem for p in _FOLDER.glob("*_*.py") if p.stem[0] != "_")
_SHAPES = {
    "digits": (8, 8, 1),
    "mnist": (28, 28, 1),
    "fashion_mnist": (28, 28, 1),
    "svhn_cropped": (32, 32, 3),
    "cifar10": (32, 32, 3),
    "celeb_a": (64, 64, 3),
    "toy2d/moons": (2,),
}
_LATENT = ("mnist", "fashion_mnist", "svhn", "cifar10", "celeba")


def _module(name):
    path = _FOLDER / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"config_{name}", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _model(full):
    """The model of a config, for the shape of its data."""
    name = full["data"]["name"]
    kind = "points" if name.startswith("toy2d") else "image"
    spec = zoo.DataSpec(kind, _SHAPES[name], 100)
    return checkpoints.build_model({**full, "spec": spec})


@pytest.mark.parametrize("name", _FILES)
@pytest.mark.parametrize("arg", ["", "quick"])
def test_a_config_is_locked_complete_and_builds(name, arg):
    config = _module(name).get_config(arg)
    assert config.is_locked
    full = settings.complete(config)
    # Nothing is missing, and no key is unknown.
    assert set(full) == set(config)
    model = _model(full)
    if full["model"]["name"] == "entropic_autoencoder":
        assert model.batch_size == full["data"]["batch_size"]


@pytest.mark.parametrize("data", _LATENT)
@pytest.mark.parametrize("arg", ["mle", "ti", "pang"])
def test_variants_of_the_latent_prior_build(data, arg):
    full = settings.complete(_module(f"lebm_{data}").get_config(arg))
    full["model"]["filters"] = 1
    model = _model(full)
    ti = arg == "ti"
    assert model.estimator == ("ti" if ti else "mle")
    gradient = "trapezoid" if ti else "posterior"
    assert model.generator_gradient == gradient
    chain = model.codes.prior_chain
    # Pang's z - s^2 / 2 grad with s = 0.4 is our h = 0.08; the thesis's s
    # is h.
    assert chain == ("langevin", 60, 0.08 if arg == "pang" else 0.16)
    assert full["optimizer"]["generator"]["beta_1"] == 0.5
    assert full["optimizer"]["prior"]["learning_rate"] == 2e-5


def _adam(options):
    """The optimizer, and its rate as a function of the step."""
    adam = optimizers.build(**options)
    rate = adam.get_config()["learning_rate"]["config"]
    return adam, optimizers.StepwiseDecay(**rate)


# Pang 2020: epochs, images of one, code, and the generator's widths, as its
# published script has them; the SVHN images are those that we train on.
_PANG = {
    "svhn": (201, 61_048, 100, [512, 256, 128, 3]),
    "celeba": (201, 40_000, 100, [512, 256, 128, 64, 3]),
}


@pytest.mark.parametrize("data", _PANG)
def test_pangs_sets_have_pangs_schedule(data):
    full = settings.complete(_module(f"lebm_{data}").get_config("pang"))
    model = _model(full)
    epochs, images, codes, widths = _PANG[data]
    assert full["data"]["train_examples"] == images
    assert full["data"]["batch_size"] == 100
    epoch = images // 100
    assert full["training"]["steps"] == epochs * epoch
    assert model.latent_dim == codes
    # Without the product that the first layer is.
    layers = model.decoder.layers[1:]
    found = dict.fromkeys(layer.output.shape[-1] for layer in layers)
    assert list(found) == widths
    assert model.energy_units == (200, 200)
    assert model.energy_slope == 0.2
    chain = model.codes.posterior_chain
    assert chain == ("langevin", 20, 0.005)
    for player, options in full["optimizer"].items():
        first = 1e-4 if player == "generator" else 2e-5
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
    epoch = data["train_examples"] // data["batch_size"]
    energy_net, generator = model.energy_net, model.decoder

    def leak(network):
        (slope,) = {
            float(layer.negative_slope)
            for layer in network.layers
            if isinstance(layer, keras.layers.LeakyReLU)
        }
        return slope

    (units,) = {layer.units for layer in energy_net.layers[:-1:2]}
    chains = {"E": model.codes.prior_chain}
    chains["G"] = model.codes.posterior_chain
    found = {
        "DATASET": {"celeb_a": "CelebA", "cifar10": "CIFAR10"}[data["name"]],
        "NUM_EPOCHS": training["steps"] / epoch,
        "BATCH_SIZE": data["batch_size"],
        "NUM_TRAIN_DATA": data["train_examples"],
        "NUM_VAL_DATA": data["eval_examples"],
        "Z_CHANNELS": energy_net.input_shape[-1],
        "EBM_FEATURE_DIM": units,
        "EBM_LEAK": leak(energy_net),
        "GEN_FEATURE_DIM": generator.layers[1].output.shape[-1] / 16,
        "GEN_LEAK": leak(generator),
        "p0_SIGMA": model.prior_sigma,
        "LKHOOD_SIGMA": model.sigma,
        "NUM_TEMPS": len(model.integral.tempering.ladder),
    }
    for letter, player in (("E", "prior"), ("G", "generator")):
        chain = chains[letter]
        assert chain.dynamics == "langevin"
        found[f"{letter}_SAMPLE_STEPS"] = chain.steps
        found[f"{letter}_STEP_SIZE"] = chain.step_size
        adam, rate = _adam(full["optimizer"][player])
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
    model = _model(full)
    found = _by_the_names_of_the_tables(full, model)
    assert found.pop("DATASET") == table["DATASET"]
    numbers = {key: table[key] for key in found}
    assert found == pytest.approx(numbers, rel=1e-6)
    assert {"DATASET", *found} == {*table}


def test_the_paper_config_is_the_papers():
    full = settings.complete(_module("eae_mnist").get_config("paper"))
    model = _model(full)
    assert model.encoder_steps == 3126 and model.batches_per_step == 521
    assert full["training"]["steps"] * model.batches_per_step == 250 * 3126


def test_an_unknown_argument_names_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'quick'"):
        _module("eae_mnist").get_config("quik")
