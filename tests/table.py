"""The table of the contract tests: one row a model, and a point set of each.

Every property reads the folder of a row: one run of 20 steps with a checkpoint
in the middle, and one export of it, made once. The tests of a row go to one
worker, by the group that `every_row` gives them.
"""

import dataclasses
import functools
import os
import pathlib
import shutil
import tempfile
from typing import Any

import ml_collections
import numpy as np
import pytest
import tensorflow as tf

import sources
import train
import zoo
from export import saved_model, session_loader
from training import checkpoints
from zoo import rowwise

STEPS = 20
_FOLDER = pathlib.Path(tempfile.mkdtemp(prefix="thermozoo-table-"))
_DENSE = {"latent_dim": 3, "hidden_units": (16,)}


@dataclasses.dataclass(frozen=True)
class Row:
    """A model of the zoo and the smallest data that it trains on.

    Attributes:
        label: names the row.
        model: name and arguments.
        data: name of a data set.
        training: what differs in the section of that name.
        optimizer: likewise.
        serves: signatures beyond those of the capabilities.
    """

    label: str
    model: dict
    data: str = "digits"
    training: dict = dataclasses.field(default_factory=dict)
    optimizer: dict = dataclasses.field(default_factory=dict)
    serves: str = ""

    def config(self) -> ml_collections.ConfigDict:
        """The run of the row."""
        return ml_collections.ConfigDict(
            {
                "model": self.model,
                "data": {
                    "name": self.data,
                    "batch_size": 8,
                    "train_examples": 200,
                    "eval_examples": 40,
                },
                "optimizer": self.optimizer,
                "training": {
                    "steps": STEPS,
                    "report_every": STEPS // 2,
                    **self.training,
                },
            }
        )

    def build(self, **changes: Any) -> Any:
        """The model, untrained and not compiled."""
        arguments = {**self.model, **changes}
        spec = self.source.spec
        return zoo.build(arguments.pop("name"), data=spec, **arguments)

    @property
    def source(self) -> sources.Data:
        """The data of the run."""
        return _source(self.data)

    @property
    def x(self) -> np.ndarray:
        """Test examples, float32."""
        return self.source.spec.as_rows(self.source.test)

    @property
    def workdir(self) -> pathlib.Path:
        """The finished run."""
        return _workdir(self.label)

    @property
    def trained(self) -> Any:
        """The trained model; shared, so do not train it on."""
        return _trained(self.label)

    @property
    def version(self) -> str:
        """The export of the run, a version's folder."""
        return _version(self.label)

    @property
    def served(self) -> session_loader.LoadedModel:
        """The export in a Session, as TF-Serving loads it."""
        return _served(self.label)

    @property
    def option(self) -> str | None:
        """The option of `generate` that is a number, where there is one."""
        method = rowwise.methods(type(self.trained))["generate_rows"]
        numbers = [k for k in method.options if method.inputs[k].low == 0.0]
        return numbers[0] if numbers else None

    def batches(self, model: Any, batch_size: int = 8) -> tf.data.Dataset:
        """Endless training batches, with the columns of the model."""
        return sources.batches(
            self.source.train,
            columns=model.columns,
            labels=self.source.train_labels,
            batch_size=batch_size,
            batches_per_step=model.batches_per_step,
            seed=0,
        )


ROWS = [
    Row(
        "ae",
        {"name": "autoencoder", **_DENSE, "bank_size": 32},
        training={"jit_compile": True},
    ),
    Row(
        "ae_points",
        {"name": "autoencoder", **_DENSE, "bank_size": 32},
        data="toy2d/moons",
    ),
    Row(
        "vae",
        {"name": "variational_autoencoder", **_DENSE},
        training={"jit_compile": True},
    ),
    Row(
        "vae_points",
        {
            "name": "variational_autoencoder",
            **_DENSE,
            "likelihood": "gaussian",
        },
        data="toy2d/moons",
    ),
    Row(
        "eae",
        {
            "name": "entropic_autoencoder",
            **_DENSE,
            "bank_size": 32,
            "encoder_steps": 4,
            "members": 3,
            "member_interval": 2,
            "batch_size": 8,
            "chain_length": 4,
            "temperature": 1e-7,
        },
        training={"jit_compile": True},
    ),
    Row(
        "lebm",
        {
            "name": "latent_energy_prior",
            **_DENSE,
            "body": "dense",
            "energy_units": (8,),
            "prior_steps": 6,
            "posterior_steps": 4,
            "ladder": {"num": 3},
        },
        # Both rates fall within the run.
        optimizer={
            "generator": {"decay_rate": 0.5, "decay_steps": 5},
            "prior": {"decay_rate": 0.9, "decay_steps": 4},
        },
        serves="encode_with energy log_evidence",
    ),
]
every_row = pytest.mark.parametrize(
    "row",
    [
        pytest.param(
            row, id=row.label, marks=pytest.mark.xdist_group(row.label)
        )
        for row in ROWS
    ],
)


def rows_with(capability: type) -> Any:
    """A parametrisation over the rows whose model has a capability."""
    return pytest.mark.parametrize(
        "row",
        [
            pytest.param(
                row, id=row.label, marks=pytest.mark.xdist_group(row.label)
            )
            for row in ROWS
            if issubclass(zoo.get(row.model["name"]), capability)
        ],
    )


def row(label: str) -> Row:
    """The row of a label."""
    return next(row for row in ROWS if row.label == label)


def weights_of(model: Any) -> list[np.ndarray]:
    """The values of all variables."""
    return [np.asarray(weight) for weight in model.variables]


def assert_equal_weights(first: Any, second: Any) -> None:
    """The same bytes in the same order."""
    for one, other in zip(weights_of(first), weights_of(second), strict=True):
        assert one.tobytes() == other.tobytes()


def data_dir() -> str:
    """Where the offline data sets are prepared."""
    return str(_FOLDER / "data")


@functools.cache
def _source(name: str) -> sources.Data:
    return sources.load(
        name, data_dir=data_dir(), train_examples=200, eval_examples=40
    )


def _folder(label: str) -> pathlib.Path:
    """The folder of a row in this process: see tests/forked.py."""
    return _FOLDER / str(os.getpid()) / label


@functools.cache
def _workdir(label: str) -> pathlib.Path:
    workdir = _folder(label) / "run"
    train.train(row(label).config(), workdir, data_dir=data_dir())
    return workdir


@functools.cache
def _trained(label: str) -> Any:
    return checkpoints.load_run(_workdir(label))[1]


@functools.cache
def _version(label: str) -> str:
    return saved_model.export_model(
        _trained(label),
        str(_folder(label) / "export"),
        allowed_batch_sizes=(1, 8),
    )


@functools.cache
def _served(label: str) -> session_loader.LoadedModel:
    return session_loader.LoadedModel(_version(label))


def remove() -> None:
    """Deletes the folders of this process."""
    tf.keras.backend.clear_session()
    shutil.rmtree(_FOLDER, ignore_errors=True)
