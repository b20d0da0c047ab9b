"""One training run, from settings to final metrics."""

import contextlib
import inspect
import pathlib
import re
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

import datasets
import errors
import metrics
import zoo
from training import (
    callbacks,
    checkpoints,
    fidelity,
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
    inception_weights: str | None,
) -> dict[str, float]:
    """Runs, or goes on with, the run that `wanted` describes.

    Args:
        wanted: complete settings.
        workdir: directory of the run.
        data_dir: folder of prepared TFDS sets.
        download: fetch a data set that is missing.
        device_name: name of the strategy.
        resume: go on with the run in `workdir`.
        inception_weights: file of InceptionV3's, for the fidelity; None: the
            features are those of a ConvNet trained on the data's labels.

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
        train_images=wanted["data"]["train_images"],
        eval_images=wanted["data"]["eval_images"],
    )
    resolved = _resolve(wanted, splits)
    number = resolved["training"]["fidelity_images"]
    fidelity.check(number, splits, inception_weights)
    with devices.scope(), _precision(resolved):
        model = checkpoints.build_model(resolved)
        _check_block(model, resolved["data"]["block"])
        _compile(model, resolved)
        # Nothing is written before the settings proved to make a model.
        with storage.writing(workdir):
            workdir.mkdir(parents=True, exist_ok=True)
        saved = checkpoints.Checkpoints(model, workdir)
        step = saved.restore()
    extractor = (
        fidelity.extractor(splits, inception_weights) if number else None
    )
    storage.write_json(checkpoints.config_path(workdir), resolved)
    return _train(model, resolved, splits, workdir, saved, step, extractor)


@contextlib.contextmanager
def enough_memory() -> Iterator[None]:
    """Turns the allocator's refusal into one line."""
    try:
        yield
    except tf.errors.ResourceExhaustedError as error:
        reason = str(error.message).strip().splitlines()[0]
        shape = re.search(r"tensor with shape\s*(\[[\d,]*\])", reason)
        what = f"a tensor {shape[1]}" if shape else reason[:160]
        raise errors.InputError(
            f"memory does not hold {what}: lower config.data.batch_size, "
            "config.data.block or the sizes of config.model"
        ) from error


def _train(
    model: Any,
    resolved: dict,
    splits: datasets.Splits,
    workdir: pathlib.Path,
    saved: checkpoints.Checkpoints,
    step: int,
    extractor: metrics.Extractor | None,
) -> dict[str, float]:
    training, data = resolved["training"], resolved["data"]
    interval, steps = training["report_every"], training["steps"]
    per_execution = model.steps_per_execution
    lines = report.MetricsFile(workdir, step)
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
                    numbered=bool(resolved["model"].get("persistent")),
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
                    callbacks.Report(lines, board, interval),
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
    if extractor:
        real = splits.test[: training["fidelity_images"]]
        found = fidelity.measure(drawn, extractor, real, resolved["seed"])
        text = "".join(f"{one}\n" for one in found.values())
        print(text, end="")
        storage.replace(
            workdir / "fidelity.txt",
            lambda aside: pathlib.Path(aside).write_text(text),
        )
        scores |= fidelity.scores(found)
    results = {"step": steps, **scores}
    callbacks.write_scalars(board, steps, scores)
    lines.append(**results)
    return results


def _check_workdir(
    wanted: dict, workdir: pathlib.Path, resume: bool
) -> dict[str, float] | None:
    """Refuses a workdir that is not ours; returns the results if finished."""
    existing = checkpoints.read_config(workdir)
    lines = report.read_metrics(workdir / "metrics.jsonl")
    if existing and not lines and not checkpoints.latest(workdir):
        # It ended before it had anything to lose, perhaps by a bad setting.
        return None
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
    for key in ("image_shape", "num_images"):
        expected["model"].setdefault(key, existing["model"].get(key))
    found = settings.differences(
        _with_defaults(_filled(expected)),
        _with_defaults(settings.complete(existing)),
    )
    if found:
        raise errors.InputError(
            f"{workdir} holds a run of another config ({'; '.join(found)}): "
            "give that config or name another --workdir"
        )
    last = lines[-1:]
    done = last and report.is_end(last[0]) and (workdir / _WEIGHTS).is_file()
    return last[0] if done else None


def _resolve(wanted: dict, splits: datasets.Splits) -> dict:
    """The settings with what the data say, as config.json keeps them."""
    resolved = {**wanted, "model": dict(wanted["model"])}
    shape = list(splits.image_shape)
    given = resolved["model"].setdefault("image_shape", shape)
    if list(given) != shape:
        raise errors.InputError(
            f"config.model.image_shape={given!r} is not the shape {shape} of "
            f"{splits.name!r}: leave it out, or set config.data.image_size"
        )
    if resolved["model"].get("persistent"):
        number = len(splits.train)
        given = resolved["model"].setdefault("num_images", number)
        if given != number:
            raise errors.InputError(
                f"config.model.num_images={given!r} is not the {number} "
                f"training images of {splits.name!r}: leave it out"
            )
    return _filled(resolved)


def _filled(settings_: dict) -> dict:
    training = dict(settings_["training"])
    if training["checkpoint_every"] is None:
        training["checkpoint_every"] = training["report_every"]
    return {**settings_, "training": training}


def _with_defaults(settings_: dict) -> dict:
    """The settings with every argument of the model.

    Runs of earlier versions lack those that came later; what these versions
    did is the default.
    """
    model = settings_["model"]
    if model["name"] not in zoo.MODELS:
        return settings_
    parameters = inspect.signature(zoo.MODELS[model["name"]]).parameters
    defaults = {
        name: parameter.default
        for name, parameter in parameters.items()
        # The run's own seed is the default of the model's.
        if parameter.default is not parameter.empty and name != "seed"
    }
    return {**settings_, "model": {**defaults, **model}}


def _check_block(model: keras.Model, block: int | None) -> None:
    takes_blocks = isinstance(model, zoo.EntropicAutoencoder)
    if block is not None and not takes_blocks:
        raise errors.InputError(
            f"config.data.block={block} is for entropic_autoencoder, whose "
            "train step runs over several batches: leave it out"
        )


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
    # XLA cannot compile a step over several devices, and TensorFlow's loop
    # over steps cannot hold what the replicas say to each other.
    alone = tf.distribute.get_strategy().num_replicas_in_sync == 1
    model.compile(
        optimizer=optimizers.build(**resolved["optimizer"]),
        **_prior_optimizer(model, resolved),
        jit_compile=training["jit_compile"] and alone,
        steps_per_execution=training["steps_per_execution"] if alone else 1,
    )


def _prior_optimizer(model: keras.Model, resolved: dict) -> dict[str, Any]:
    """What `compile` takes for it, where the settings have one."""
    section = "prior_optimizer"
    if section not in resolved:
        return {}
    if not isinstance(model, zoo.LatentEnergyPrior):
        raise errors.InputError(
            f"config.{section} is for latent_energy_prior, which trains two "
            "networks: leave it out"
        )
    return {section: optimizers.build(**resolved[section], section=section)}
