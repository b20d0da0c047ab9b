"""Frey Faces: 1,965 frames of a face, 28 by 20 pixels, from a file."""

import pathlib
import zlib
from typing import Any

import keras
import numpy as np

import errors
import sources
import zoo
from reproductions import codes

_ADDRESS = "https://cs.nyu.edu/~roweis/data/frey_rawface.mat"
SOURCE = (
    f"Frey Faces skipped: fetch frey_rawface.mat from {_ADDRESS} and give "
    "--frey_faces=PATH"
)
# Keras's types know the words alone.
_SILENT: Any = 0
_SPEC = zoo.DataSpec("image", (28, 20, 1))
_PAPER = {"eae": (0.0052, 64), "vae": (0.0046, 3), "ae": (0.0014, 64)}


def read(path: str | pathlib.Path) -> np.ndarray:
    """Reads the frames: uint8 [n, 28, 20, 1].

    Args:
        path: of frey_rawface.mat, which holds `ff`, uint8 [560, n].

    Raises:
        InputError: no such file, or another content.
    """
    # scipy is no dependency of ours; it arrives with scikit-learn.
    from scipy import io

    try:
        frames = io.loadmat(str(path))["ff"]
    except (
        OSError,
        ValueError,
        KeyError,
        NotImplementedError,
        zlib.error,
    ) as error:
        raise errors.InputError(
            f"--frey_faces={path} cannot be read as frey_rawface.mat "
            f"({str(error).splitlines()[0] or type(error).__name__}): fetch it "
            f"from {_ADDRESS}"
        ) from error
    if frames.ndim != 2 or frames.shape[0] != 560:
        raise errors.InputError(
            f"--frey_faces={path}: ff has shape {frames.shape}, not (560, n): "
            "give the original frey_rawface.mat"
        )
    return (
        np.ascontiguousarray(frames.T)
        .reshape(-1, *_SPEC.shape)
        .astype(np.uint8)
    )


def split(frames: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Random 80 % for training and 10 % for the test, as in the paper."""
    order = np.random.default_rng(seed).permutation(len(frames))
    tenth = len(frames) // 10
    return frames[order[2 * tenth :]], frames[order[:tenth]]


def table(
    frames: np.ndarray, output: pathlib.Path, quick: bool
) -> list[dict[str, Any]]:
    """Trains the three models on the frames; a row each, with the paper's.

    Batches of 32, where the paper takes all frames at once; 1,500 updates of
    100 encoder steps at T = 3e-9 and 20,000 steps of Adam, a tenth of that
    if quick.
    """
    training, test = split(frames)
    images = test / np.float32(255)
    rows = []
    for name, theirs in _PAPER.items():
        model = _trained(name, training, output, quick)
        encoded = codes.encode(model, images)
        grown = codes.sensitivity(model, encoded.mean, images)
        rebuilt = codes.reconstruct(model, images)
        rows.append(
            {
                "model": name,
                "mse": codes.squared_error(rebuilt, images),
                "active_units": int((encoded.mean.var(0) > 0.01).sum()),
                "permutation_active": int((grown > codes.SENSITIVE).sum()),
                "paper_mse": theirs[0],
                "paper_active_units": theirs[1],
            }
        )
    return rows


def _trained(
    name: str, training: np.ndarray, output: pathlib.Path, quick: bool
) -> Any:
    """The model, from its file or trained and then written there."""
    long = {
        "eae": "entropic_autoencoder",
        "vae": "variational_autoencoder",
        "ae": "autoencoder",
    }[name]
    own = {"encoder_steps": 100} if name == "eae" else {}
    model: Any = zoo.build(long, data=_SPEC, latent_dim=64, **own)
    folder = output / "frey_faces" / ("quick" if quick else "paper")
    path = folder / f"{name}.weights.h5"
    if path.is_file():
        model.load_weights(path)
        return model
    fused = 1 if name == "eae" else 20
    model.compile(
        optimizer=keras.optimizers.Adam(1e-3),
        jit_compile=True,
        steps_per_execution=fused,
    )
    steps = 1500 if name == "eae" else 20_000
    model.fit(
        sources.batches(
            training,
            batch_size=32,
            seed=0,
            batches_per_step=model.batches_per_step,
        ),
        steps_per_epoch=steps // 10 if quick else steps,
        shuffle=False,
        verbose=_SILENT,
    )
    model.prepare(training)
    folder.mkdir(parents=True, exist_ok=True)
    aside = folder / f"aside-{path.name}"
    model.save_weights(aside)
    aside.replace(path)
    return model
