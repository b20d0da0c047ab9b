"""Settings of a run: defaults, checks, comparison."""

import pytest

import errors
import zoo
from training import settings


def _config(**sections):
    base = {
        "model": {"name": "autoencoder"},
        "data": {"name": "digits"},
        "training": {"steps": 40, "report_every": 20},
    }
    for section, values in sections.items():
        base[section] = {**base.get(section, {}), **values}
    return base


def test_defaults_are_filled_in():
    full = settings.complete(_config())
    assert full["seed"] == 0
    given = {k: v for k, v in full["optimizer"].items() if v is not None}
    assert given == {"name": "adam", "learning_rate": 1e-3}
    assert full["data"]["batch_size"] == 32
    assert full["training"]["checkpoint_every"] == 20
    # What stands in a constructor alone.
    own = zoo.defaults("autoencoder")
    assert full["model"] == {"name": "autoencoder", **own}
    assert full["evals"]["fidelity"]["num_images"] == 0


def test_every_player_has_an_optimizer():
    model = {"model": {"name": "latent_energy_prior"}}
    prior = {"optimizer": {"prior": {"learning_rate": 0.5}}}
    full = settings.complete(_config(**model, **prior))
    assert set(full["optimizer"]) == {"generator", "prior"}
    assert full["optimizer"]["prior"]["learning_rate"] == 0.5
    assert full["optimizer"]["generator"]["learning_rate"] == 1e-3
    assert settings.optimizers_of(full) == full["optimizer"]
    for bad, words in (
        ({"learning_rate": 1.0}, "config.optimizer.learning_rate is unknown"),
        ({"prior": {"learning_rate": -1.0}}, "optimizer.prior.learning_rate"),
        ({"prior": {"rate": 1.0}}, "config.optimizer.prior.rate is unknown"),
        ({"priors": {}}, "did you mean 'prior'"),
    ):
        with pytest.raises(errors.InputError, match=words):
            settings.complete(_config(**model, optimizer=bad))


def test_flags_win_over_the_config():
    full = settings.complete(_config(), jit_compile=True, mixed_precision=None)
    assert full["training"]["jit_compile"] is True
    assert full["training"]["mixed_precision"] is False


@pytest.mark.parametrize(
    ("sections", "expected"),
    [
        ({"trainin": {}}, "did you mean 'training'"),
        ({"training": {"step": 3}}, "did you mean 'steps'"),
        ({"training": {"steps": 30}}, "take 40"),
        ({"training": {"steps": 0}}, "at least 1"),
        ({"training": {"steps": 4.0}}, "whole number"),
        ({"training": {"images_every": 7}}, "take 20"),
        ({"training": {"steps_per_execution": 3}}, "does not divide"),
        ({"data": {"batch_size": -1}}, "data.batch_size=-1"),
        ({"optimizer": {"learning_rate": 0.0}}, "learning_rate=0.0"),
        ({"optimizer": {"learning_rate": float("nan")}}, "positive"),
        ({"optimizer": {"beta_1": 0.0}}, "optimizer.beta_1=0.0"),
        ({"optimizer": {"decay_rate": 1.5}}, "decay_rate=1.5 must be at most"),
        ({"optimizer": {"decay_steps": 10}}, "decay_rate is missing"),
        (
            {"optimizer": {"decay_rate": 0.9, "decay_steps": 1.5}},
            "decay_steps=1.5",
        ),
        (
            {"optimizer": {"decay_rate": 0.9, "final_rate": 1.0}},
            "from 0 to learning_rate=0.001",
        ),
        ({"model": {"latent_dm": 3}}, "config.model.latent_dm is unknown"),
        ({"model": {"name": "autoencodr"}}, "did you mean 'autoencoder'"),
        ({"evals": {"mze": {}}}, "did you mean 'mse'"),
        ({"evals": {"mse": {"batch": 2}}}, "evals.mse.batch is unknown"),
        ({"data": {"train_examples": 0}}, "data.train_examples=0"),
        ({"model": {"name": None}}, "model.name is missing"),
        ({"data": {"batch_size": 2**31}}, "below 2^31"),
        ({"data": {"batch_size": None}}, "batch_size=None"),
        ({"data": {"name": 3}}, "data.name=3"),
        ({"training": {"jit_compile": "yes"}}, "jit_compile='yes'"),
        ({"training": {"mixed_precision": 1}}, "mixed_precision=1"),
    ],
)
def test_bad_settings_are_told_in_one_line(sections, expected):
    with pytest.raises(errors.InputError) as caught:
        settings.complete(_config(**sections))
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("section", ["model", "data", "training"])
def test_a_section_is_no_value(section):
    with pytest.raises(errors.InputError, match=f"config.{section}=3 must"):
        settings.complete({**_config(), section: 3})


def test_a_config_is_no_list():
    with pytest.raises(errors.InputError, match=r"config=\[1\] must"):
        settings.complete([1])


def test_a_missing_key_is_named():
    config = _config()
    del config["data"]["name"]
    with pytest.raises(errors.InputError, match=r"data\.name is missing"):
        settings.complete(config)


@pytest.mark.parametrize("seed", [-1, 1.5, True, "a", 2**64])
def test_seeds_are_checked(seed):
    with pytest.raises(errors.InputError, match="seed"):
        settings.complete({**_config(), "seed": seed})


def test_differences_name_the_leaves():
    ours = {"a": {"b": 1, "c": (1, 2)}, "d": 3}
    assert (
        settings.differences(ours, {"a": {"b": 1, "c": [1, 2]}, "d": 3}) == []
    )
    found = settings.differences(ours, {"a": {"b": 2, "c": [1, 2]}})
    assert found == ["a.b: 1, was 2", "d: 3, was None"]


@pytest.mark.parametrize("name", zoo.names())
def test_every_key_says_what_it_is(name):
    """As --help shows it."""

    def paths(known, path=""):
        for key, one in known.items():
            if isinstance(one, dict):
                yield from paths(one, f"{path}{key}.")
            else:
                yield f"{path}{key}"

    known = settings.known(name)
    said = settings.descriptions(name)
    silent = [
        path
        for path in paths({k: known[k] for k in ("model", "data", "evals")})
        if not said.get(path) and path != "model.name"
    ]
    assert not silent
    assert {"optimizer.beta_1", "training.steps"} <= set(said)
