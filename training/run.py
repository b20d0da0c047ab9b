"""One training run, from settings to final metrics."""

import contextlib
import pathlib
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

import datasets
import errors
from training import (
    callbacks,
    checkpoints,
    optimizers,
    report,
    settings,
    storage,
    strategy,
)

_WEIGHTS = "model.weights.h5"


def execute(
    wanted: dict,
    workdir: pathlib.Path,
    *,
    data_dir: str | None,
    download: bool,
    device_name: str,
    resume: bool,
) -> dict[str, float]:
    """Runs, or goes on with, the run that `wanted` describes.

    Args:
        wanted: complete settings.
        workdir: directory of the run.
        data_dir: folder of prepared TFDS sets.
        download: fetch a data set that is missing.
        device_name: name of the strategy.
        resume: go on with the run in `workdir`.

    Returns:
        The final metrics.

    Raises:
        InputError: see train.train.
    """
    finished = _check_workdir(wanted, workdir, resume)
    if finished:
        print(f"{workdir}: the run is finished")
        return finished
    devices = _devices(device_name, wanted)
    splits = datasets.load(
        wanted["data"]["name"],
        data_dir=data_dir,
        download=download,
        image_size=wanted["data"]["image_size"],
    )
    resolved = _resolve(wanted, splits)
    with devices.scope(), _precision(resolved):
        model = checkpoints.build_model(resolved)
        _compile(model, resolved)
        # Nothing is written before the settings proved to make a model.
        with storage.writing(workdir):
            workdir.mkdir(parents=True, exist_ok=True)
        saved = checkpoints.Checkpoints(model, workdir)
        step = saved.restore()
    storage.write_json(checkpoints.config_path(workdir), resolved)
    return _train(model, resolved, splits, workdir, saved, step)


def _train(
    model: Any,
    resolved: dict,
    splits: datasets.Splits,
    workdir: pathlib.Path,
    saved: checkpoints.Checkpoints,
    step: int,
) -> dict[str, float]:
    training, data = resolved["training"], resolved["data"]
    interval, steps = training["report_every"], training["steps"]
    per_execution = training["steps_per_execution"]
    metrics = report.MetricsFile(workdir, step if step < steps else step - 1)
    with storage.writing(workdir / "tensorboard"):
        board = tf.summary.create_file_writer(str(workdir / "tensorboard"))
    images = callbacks.Images(
        workdir, board, splits, training["images_every"], interval, steps
    )
    if step < steps:
        progress = callbacks.Progress(step, steps, per_execution)
        try:
            model.fit(
                datasets.train_batches(
                    splits.train,
                    batch_size=data["batch_size"],
                    seed=resolved["seed"],
                    first_step=step,
                    block=data["block"],
                ),
                epochs=steps // interval,
                initial_epoch=step // interval,
                steps_per_epoch=interval,
                shuffle=False,
                verbose=0,  # type: ignore[arg-type]
                validation_data=datasets.eval_batches(
                    splits.validation, training["eval_batch_size"]
                ),
                callbacks=[
                    callbacks.Guard(step, per_execution),
                    progress,
                    callbacks.Report(metrics, board, interval),
                    images,
                    callbacks.Save(
                        saved, training["checkpoint_every"], interval
                    ),
                ],
            )
        finally:
            progress.close()
    checkpoints.require_finite(model, steps)
    drawn = callbacks.fit_prior(model, splits)
    images.draw(drawn, steps)
    saved.save(steps)
    scores = callbacks.test_scores(drawn, splits, training["eval_batch_size"])
    storage.replace(workdir / _WEIGHTS, model.save_weights)
    results = {"step": steps, **scores}
    callbacks.write_scalars(board, steps, scores)
    metrics.append(**results)
    return results


def _check_workdir(
    wanted: dict, workdir: pathlib.Path, resume: bool
) -> dict[str, float] | None:
    """Refuses a workdir that is not ours; returns the results if finished."""
    existing = checkpoints.read_config(workdir)
    if existing is None:
        if checkpoints.latest(workdir):
            raise errors.InputError(
                f"{workdir} has checkpoints and no config.json: put the file "
                "back or name another --workdir"
            )
        return None
    if not resume:
        raise errors.InputError(
            f"{workdir} holds a run already: add --resume to go on with it, "
            "or name another --workdir"
        )
    expected = {**wanted, "model": dict(wanted["model"])}
    shape = existing["model"].get("image_shape")
    expected["model"].setdefault("image_shape", shape)
    found = settings.differences(_filled(expected), existing)
    if found:
        raise errors.InputError(
            f"{workdir} holds a run of another config ({'; '.join(found)}): "
            "give that config or name another --workdir"
        )
    last = report.read_metrics(workdir / "metrics.jsonl")[-1:]
    done = last and "test_mse" in last[0] and (workdir / _WEIGHTS).is_file()
    return last[0] if done else None


def _resolve(wanted: dict, splits: datasets.Splits) -> dict:
    """The settings with what the data say, as config.json keeps them."""
    resolved = {**wanted, "model": dict(wanted["model"])}
    resolved["model"]["image_shape"] = list(splits.image_shape)
    return _filled(resolved)


def _filled(settings_: dict) -> dict:
    training = dict(settings_["training"])
    if training["checkpoint_every"] is None:
        training["checkpoint_every"] = training["report_every"]
    return {**settings_, "training": training}


def _devices(name: str, wanted: dict) -> tf.distribute.Strategy:
    devices = strategy.choose(name)
    strategy.check_batch(devices, wanted["data"]["batch_size"])
    return devices


@contextlib.contextmanager
def _precision(resolved: dict) -> Iterator[None]:
    """Builds layers in bfloat16 where the settings ask for it."""
    before = keras.config.dtype_policy()
    if resolved["training"]["mixed_precision"]:
        keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _compile(model: keras.Model, resolved: dict) -> None:
    training = resolved["training"]
    model.compile(
        optimizer=optimizers.build(**resolved["optimizer"]),
        jit_compile=training["jit_compile"],
        steps_per_execution=training["steps_per_execution"],
    )
