"""Bad settings and images of the latent prior: one line, nothing lost."""

import functools

import numpy as np
import pytest

import errors
import train
import zoo
from configs import lebm_mnist
from tests import processes
from tests.small_latent import IMAGES, TI, build

_SMALL = {
    "data.name": "digits",
    "data.train_examples": 100,
    "data.eval_examples": 20,
    "model.filters": 1,
}
_MALA = {**TI, "batched": True, "exchange_every": 2, "dynamics": "mala"}
_CHAIN = {**TI, "prior_gradient": "chain"}
_DEEP = np.zeros((4, 8, 8, 3), np.float32)


def _line(caught):
    message = str(caught.value)
    assert "\n" not in message
    return message


# Arguments of the constructor, and words that the line must hold.
ARGUMENTS = [
    ({"ladder": [0.1, 0.5, 1.0]}, "starts at t=0.1: its first node must be 0"),
    ({"ladder": [0.0, 0.5, 0.9]}, "ends at t=0.9: its last node must be 1"),
    ({"ladder": [0.0, 0.7, 0.5, 1.0]}, "does not increase"),
    ({**TI, "ladder": [0.0]}, "N_t=1"),
    ({"ladder": {"nodes": (0.5, 1.0)}}, "starts at t=0.5"),
    ({"ladder": {"num": 1}}, "2 or more"),
    ({"ladder": {"p": -1.0}}, "p=-1.0"),
    ({"ladder": {"name": "power_low"}}, "'power_low' is unknown"),
    ({"ladder": {"name": "geometric"}}, "'geometric' with options []"),
    ({"ladder": {"q": 3.0}}, "ladder.q is unknown"),
    ({"ladder": "power_law"}, "'power_law' are not numbers"),
    ({"kl_weight": -1.0}, "kl_weight=-1.0"),
    ({**TI, "kl_weight": 1.0}, "rule='trapezoid'"),
    ({**TI, "draws": 6}, "draws=6 is more than posterior_steps=5"),
    ({**TI, "draws": 1}, "keep 2"),
    (
        {
            **TI,
            "draws": 1,
            "rule": "trapezoid",
            "generator_gradient": "covariance",
        },
        "take draws=2",
    ),
    ({"prior_gradient": "chain"}, "take estimator='ti'"),
    ({**TI, "batched": True, "dynamics": "nose_hoover"}, "one time step for"),
    ({"batched": 1}, "batched=1 must be True or False"),
    ({"exchange_every": -1}, "exchange_every=-1"),
    ({"exchange_every": 2}, "take batched=True"),
    ({**_MALA, "dynamics": "langevin"}, "take dynamics='mala'"),
    ({**_MALA, "exchange_every": 6}, "no exchange would come"),
    ({"batched": True, "exchange_every": 21}, "20 moves of a served"),
    ({**_CHAIN, "dynamics": "mala"}, "take dynamics='langevin'"),
    ({"generator_gradient": "trapezoid"}, "take estimator='ti'"),
    ({"estimator": "em"}, "known: mle, ti"),
    ({"dynamics": "hmc"}, "known: baoab, langevin, mala, nose_hoover"),
    ({"posterior_step_size": 0.0}, "posterior_step_size=0.0"),
    ({"energy_units": 100}, "energy_units=100"),
    ({"persistent": 1}, "persistent=1 must be True or False"),
    ({**TI, "persistent": True}, "persistent=True with estimator='ti'"),
    (
        {"persistent": True, "data": zoo.DataSpec("image", (8, 8, 1))},
        "give data with num_examples=N",
    ),
    (
        {"body": "conv", "data": zoo.DataSpec("image", (30, 30, 1))},
        "32 x 32",
    ),
    ({"data": zoo.DataSpec("points", (2,))}, "give it images"),
]


@pytest.mark.parametrize(("changes", "words"), ARGUMENTS)
def test_a_bad_argument_gets_one_line(changes, words):
    with pytest.raises(errors.InputError) as caught:
        build(**changes)
    assert words in _line(caught)


@functools.cache
def _model(persistent: bool = False):
    model = build(persistent=persistent)
    model.compile("adam")
    # As if `prepare` had tuned them.
    model.evidence.step_sizes.assign([0.1, 0.1])
    return model


def _fit(index):
    _model(True).fit(IMAGES, index, batch_size=6, verbose=0)


# Calls, and words that the line must hold.
CALLS = [
    (lambda: _model().fit(_DEEP, verbose=0), "8, 8, 3) do not fit the model"),
    (lambda: _model().evaluate(_DEEP), "8, 8, 3) do not fit the model"),
    (lambda: _model().prepare(_DEEP), "8, 8, 3) do not fit the model"),
    (lambda: _model().encode(_DEEP), "8, 8, 3) do not fit the model"),
    (lambda: _model().energy(_DEEP), "8, 8, 3) do not fit the model"),
    (lambda: _model().log_evidence(_DEEP), "8, 8, 3) do not fit the model"),
    (lambda: _fit(None), "needs the places"),
    (lambda: _fit(np.zeros(6)), "float64 of shape (6,)"),
    (lambda: _fit(np.zeros([6, 2], int)), "int64 of shape (6, 2)"),
    (lambda: _fit(np.arange(1, 7)), "place 6 is outside of the 6"),
    (lambda: _fit(np.arange(-1, 5)), "place -1 is outside of the 6"),
    (lambda: _model().log_evidence(IMAGES, num_chains=0), "at least 1"),
    (lambda: _model().log_evidence(IMAGES, num_chains=1), "no standard error"),
    (lambda: _model().log_evidence(IMAGES, rule="simpson"), "rule='simpson'"),
    (lambda: _model().log_evidence(IMAGES, seed=-1), "seed=-1"),
    (
        lambda: _model().measured_ladder(IMAGES, "even"),
        "known: equalised, fixed_variance",
    ),
    (lambda: _model().measured_ladder(IMAGES, num=1), "2 or more"),
    (lambda: _model().measured_ladder(IMAGES, seed=-1), "seed=-1"),
    (lambda: _model().generate(2, temperature=-1.0), "temperature=-1.0"),
]


@pytest.mark.parametrize(("call", "words"), CALLS)
def test_a_bad_call_gets_one_line(call, words):
    models = [_model(), _model(True)]
    before = [np.array(v.value) for model in models for v in model.variables]
    with pytest.raises(errors.InputError) as caught:
        call()
    assert words in _line(caught)
    after = [np.array(v.value) for model in models for v in model.variables]
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return str(tmp_path_factory.mktemp("data"))


@pytest.mark.parametrize(
    ("variant", "key", "value", "words"),
    [
        ("mle", "model.ladder.num", 1, "N_t=1 nodes make no ladder: choose 2"),
        ("ti", "model.sigma", 0.0, "sigma=0.0 must be"),
    ],
)
def test_a_bad_setting_leaves_no_workdir(
    variant, key, value, words, data, tmp_path
):
    config = lebm_mnist.get_config(variant)
    config.update_from_flattened_dict({**_SMALL, key: value})
    with pytest.raises(errors.InputError) as caught:
        train.train(config, tmp_path / "run", data_dir=data)
    assert words in _line(caught)
    assert list(tmp_path.iterdir()) == []


def test_the_command_tells_it_in_one_line(data, tmp_path):
    flags = [f"--config.{key}={value}" for key, value in _SMALL.items()]
    result = processes.run(
        [
            *("train.py", "--config=configs/lebm_mnist.py:ti"),
            *(*flags, "--config.data.image_size=30"),
            *(f"--workdir={tmp_path}/run", f"--data_dir={data}"),
        ]
    )
    assert result.returncode == 1, result.stderr
    assert "Traceback" not in result.stderr
    last = result.stderr.rstrip().splitlines()[-1]
    assert last.startswith("error: image_shape=(30, 30, 1) cannot")
    assert list(tmp_path.iterdir()) == []
