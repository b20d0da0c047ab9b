"""One training run, from settings to results."""

import contextlib
import pathlib
import re
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

import errors
import sources
import zoo
from evaluators import registry
from training import (
    callbacks,
    checkpoints,
    optimizers,
    report,
    settings,
    single_device,
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
        inception_weights: file of InceptionV3's weights, for the fidelity;
            None: the features are those of a ConvNet trained on the data.

    Returns:
        The scores in results.json.

    Raises:
        InputError: see train.train.
    """
    existing = _existing(wanted, workdir, resume)
    finished = report.read_results(workdir)
    if finished and (workdir / _WEIGHTS).is_file():
        print(f"{workdir}: the run is finished")
        return finished
    options = dict(wanted["data"])
    batch_size = options.pop("batch_size")
    devices = strategy.choose(device_name)
    strategy.check_batch(devices, batch_size)
    data = sources.load(**options, data_dir=data_dir, download=download)
    resolved = {**wanted, "spec": data.spec._asdict()}
    # The rest was compared before the data were read.
    spec = existing.get("spec", resolved["spec"])
    _require_same(resolved, {**resolved, "spec": spec}, workdir)
    with devices.scope(), _precision(resolved):
        model = checkpoints.build_model(resolved)
        _compile(model, resolved)
    chosen = registry.build(
        type(model), data, resolved["evals"], inception_weights
    )
    # Nothing is written before the settings proved to make a run.
    with storage.writing(workdir):
        workdir.mkdir(parents=True, exist_ok=True)
    with devices.scope():
        saved = checkpoints.Checkpoints(model, workdir)
        step = saved.restore()
    storage.write_json(checkpoints.config_path(workdir), resolved)
    with storage.writing(workdir / "tensorboard"):
        board = tf.summary.create_file_writer(str(workdir / "tensorboard"))
    pictures = _fit(model, resolved, data, workdir, board, saved, step)
    steps = resolved["training"]["steps"]
    checkpoints.require_finite(model, steps)
    prepared = single_device.prepared(model, data.train)
    pictures.draw(prepared, steps)
    saved.save(steps)
    storage.replace(workdir / _WEIGHTS, model.save_weights)
    scores: dict[str, float] = {}
    for name, evaluator in chosen.items():
        scores |= evaluator(prepared, resolved["seed"])
        _write_lines(evaluator.lines, workdir / f"{name}.txt")
    callbacks.write_scalars(board, steps, scores)
    results = {"step": steps, **scores}
    storage.write_json(report.results_path(workdir), results)
    return results


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
            f"memory does not hold {what}: lower config.data.batch_size or "
            "the sizes of config.model"
        ) from error


def _fit(
    model: Any,
    resolved: dict,
    data: sources.Data,
    workdir: pathlib.Path,
    board: tf.summary.SummaryWriter,
    saved: checkpoints.Checkpoints,
    step: int,
) -> callbacks.Pictures:
    """Trains from `step` to the end; returns what draws the pictures."""
    training = resolved["training"]
    interval, steps = training["report_every"], training["steps"]
    lines = report.MetricsFile(workdir, step)
    pictures = callbacks.Pictures(
        workdir, board, data, training["images_every"], interval, steps
    )
    if step == steps:
        return pictures
    per_execution = model.steps_per_execution
    progress = callbacks.Progress(step, steps, per_execution)
    try:
        model.fit(
            sources.batches(
                data.train,
                columns=model.columns,
                labels=data.train_labels,
                batch_size=resolved["data"]["batch_size"],
                batches_per_step=model.batches_per_step,
                seed=resolved["seed"],
                first_step=step,
            ),
            epochs=steps // interval,
            initial_epoch=step // interval,
            steps_per_epoch=interval,
            shuffle=False,
            verbose=0,  # type: ignore[arg-type]
            validation_data=sources.eval_batches(
                data.validation,
                training["eval_batch_size"],
                columns=model.columns,
                labels=data.validation_labels,
            ),
            callbacks=[
                callbacks.Guard(step, per_execution),
                progress,
                callbacks.Report(lines, board, interval),
                pictures,
                callbacks.Save(saved, training["checkpoint_every"], interval),
            ],
        )
    finally:
        progress.close()
    return pictures


def _existing(wanted: dict, workdir: pathlib.Path, resume: bool) -> dict:
    """The config of the run that is there to go on with; empty for none.

    Raises:
        InputError: there is a run that is not to be resumed, or of another
            config.
    """
    existing = checkpoints.read_config(workdir)
    if existing is None:
        if checkpoints.latest(workdir):
            raise errors.InputError(
                f"{workdir} has checkpoints and no config.json: put the file "
                "back or name another --workdir"
            )
        return {}
    if not (report.read_metrics(workdir) or checkpoints.latest(workdir)):
        # It ended before it had anything to lose, perhaps by a bad setting.
        return {}
    if not resume:
        raise errors.InputError(
            f"{workdir} holds a run already: add --resume to go on with it, "
            "or name another --workdir"
        )
    # Runs of earlier versions lack the keys that came later.
    complete = settings.complete(
        {key: value for key, value in existing.items() if key != "spec"}
    )
    _require_same(wanted, complete, workdir)
    return existing


def _require_same(ours: dict, theirs: dict, workdir: pathlib.Path) -> None:
    found = settings.differences(ours, theirs)
    if found:
        raise errors.InputError(
            f"{workdir} holds a run of another config ({'; '.join(found)}): "
            "give that config or name another --workdir"
        )


def _write_lines(lines: tuple[str, ...], path: pathlib.Path) -> None:
    """Shows what an evaluator says to a person, and keeps it."""
    if lines:
        text = "".join(f"{line}\n" for line in lines)
        print(text, end="")
        storage.replace(path, lambda p: pathlib.Path(p).write_text(text))


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


def _compile(model: zoo.Model, resolved: dict) -> None:
    training = resolved["training"]
    # XLA cannot compile a step over several devices, and TensorFlow's loop
    # over steps cannot hold what the replicas say to each other.
    alone = tf.distribute.get_strategy().num_replicas_in_sync == 1
    sections = settings.optimizers_of(resolved)
    model.compile(
        {
            player: optimizers.build(
                **options,
                section=f"optimizer.{player}"
                if len(sections) > 1
                else "optimizer",
            )
            for player, options in sections.items()
        },
        jit_compile=training["jit_compile"] and alone,
        steps_per_execution=training["steps_per_execution"] if alone else 1,
    )
