"""Bad settings and images of the latent prior: one line, nothing lost."""

import pathlib
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import errors
import train
import zoo
from configs import lebm_mnist

ROOT = pathlib.Path(__file__).parents[2]
_SMALL = {
    "data.name": "digits",
    "data.train_images": 100,
    "data.eval_images": 20,
    "model.filters": 1,
}


def _config(variant="ti", **changes):
    config = lebm_mnist.get_config(variant)
    config.update_from_flattened_dict({**_SMALL, **changes})
    return config


def _line(caught):
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return str(tmp_path_factory.mktemp("data"))


@pytest.mark.parametrize("variant", ["mle", "ti"])
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"model.ladder.num": 1}, "N_t=1 nodes make no ladder: choose 2"),
        ({"model.kl_weight": -1.0}, "kl_weight=-1.0 must be a number of at"),
        ({"data.image_size": 30}, "resize the images to 32 x 32"),
        ({"model.ladder.name": "geometric"}, "'geometric' with options []"),
        ({"model.sigma": 0.0}, "sigma=0.0 must be"),
    ],
)
def test_a_bad_setting_leaves_no_workdir(
    variant, changes, expected, data, tmp_path
):
    with pytest.raises(errors.InputError) as caught:
        train.train(
            _config(variant, **changes), tmp_path / "run", data_dir=data
        )
    assert expected in _line(caught)
    assert list(tmp_path.iterdir()) == []


def test_the_command_tells_it_in_one_line(data, tmp_path):
    flags = [f"--config.{key}={value}" for key, value in _SMALL.items()]
    result = subprocess.run(
        [
            *(sys.executable, "train.py", "--config=configs/lebm_mnist.py:ti"),
            *(*flags, "--config.data.image_size=30"),
            *(f"--workdir={tmp_path}/run", f"--data_dir={data}"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 1, result.stderr
    assert "Traceback" not in result.stderr
    last = result.stderr.rstrip().splitlines()[-1]
    assert last.startswith("error: image_shape=(30, 30, 1) cannot")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("ladder", "expected"),
    [
        ([0.1, 0.5, 1.0], "ladder starts at t=0.1: its first node must be 0"),
        ([0.0, 0.5, 0.9], "ladder ends at t=0.9: its last node must be 1"),
        ([0.0], "N_t=1"),
    ],
)
def test_nodes_that_make_no_ladder_are_told_in_one_line(ladder, expected):
    with pytest.raises(errors.InputError) as caught:
        _model("ti", ladder=ladder)
    assert expected in _line(caught)


def _model(estimator, **changes):
    model: Any = zoo.build(
        "latent_energy_prior",
        image_shape=(8, 8, 1),
        latent_dim=3,
        filters=1,
        energy_units=[8],
        prior_steps=2,
        posterior_steps=5,
        estimator=estimator,
        **changes,
    )
    model.compile("adam", jit_compile=False)
    return model


@pytest.mark.parametrize("estimator", ["mle", "ti"])
@pytest.mark.parametrize("door", ["fit", "fit_prior", "evaluate"])
def test_images_of_another_depth_are_told_in_one_line(door, estimator):
    model = _model(estimator)
    before = [np.array(value) for value in model.variables]
    images = np.zeros((4, 8, 8, 3), np.float32)
    options = {} if door == "fit_prior" else {"batch_size": 4, "verbose": 0}
    with pytest.raises(errors.InputError) as caught:
        getattr(model, door)(images, **options)
    assert "8, 8, 3) do not fit the model" in _line(caught)
    for one, other in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(one, np.array(other))
    # Negative control: the same door lets images of one channel in.
    getattr(model, door)(images[..., :1], **options)
