"""The doors of train.py: one line of error, exit code 1, nothing lost."""

import json
import pathlib
import shutil

import ml_collections
import pytest

import errors
import train
from tests import processes
from training import checkpoints

_CONFIG = "--config=configs/ae_digits.py:quick"


def _refused_line(*words):
    return processes.error_line(processes.run(["train.py", *words]))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--config=configs/no.py"], "no such file"),
        (["--config=configs/ae_digits.py:quik"], "did you mean 'quick'"),
        ([_CONFIG, "--config.model.latent_dm=3"], "'latent_dim'"),
        ([_CONFIG, "--config.trainin.steps=3"], "'training'"),
        ([_CONFIG, "--config.model.latent_dim=abc"], "'abc'"),
        ([_CONFIG, "--config.data.batch_size=2.5"], "'2.5'"),
        ([_CONFIG, "--config.model=1"], "config.model"),
        ([_CONFIG, "--strategy=tpu"], "auto|cpu|gpu|mirrored"),
        ([_CONFIG, "--workdr=x"], "workdir"),
        ([_CONFIG, "--workdir="], "workdir=''"),
        ([], "--config"),
    ],
)
def test_flags_are_told_in_one_line(words, expected, tmp_path):
    named = any(word.startswith("--workd") for word in words)
    more = [] if named else [f"--workdir={tmp_path}/run"]
    line = _refused_line(*words, *more)
    assert expected in line
    assert list(tmp_path.iterdir()) == []


def test_help_shows_the_keys_of_a_config():
    done = processes.run(["train.py", _CONFIG, "--help"])
    assert done.returncode == 0
    shown = " ".join(done.stdout.split())
    assert "--config.model.latent_dim=8 size of a code." in shown
    bare = processes.run(["train.py", "--help"])
    assert bare.returncode == 0 and "--workdir" in bare.stdout


@pytest.mark.parametrize("text", ["x = = 1", "x = 1", "import nothing_here"])
def test_a_broken_config_file_is_told_in_one_line(text, tmp_path):
    path = tmp_path / "broken.py"
    path.write_text(text)
    line = _refused_line(f"--config={path}", f"--workdir={tmp_path}/run")
    assert "broken.py" in line
    assert not (tmp_path / "run").exists()


def test_a_full_disk_keeps_what_was_saved(small_run, tmp_path):
    """A limit on the size of files stands for a full disk."""
    _, data, _ = small_run
    workdir = tmp_path / "run"
    # The limit must hold before the program starts.
    limited = (
        "import resource, runpy, sys\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "sys.argv = sys.argv[1:]\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')\n"
    )
    script = tmp_path / "limited.py"
    script.write_text(limited)
    words = ("train.py", _CONFIG, f"--workdir={workdir}", f"--data_dir={data}")
    line = processes.error_line(processes.run([script, *words]))
    assert "cannot be written" in line
    assert "--workdir" in line
    assert not (workdir / "model.weights.h5").exists()
    # With room again, the same run goes on to its end.
    resumed = processes.run([*words, "--resume"])
    assert resumed.returncode == 0, resumed.stderr


def _small(model=None, **sections):
    base = {
        "model": {
            "name": "autoencoder",
            "latent_dim": 2,
            "hidden_units": (8,),
            "bank_size": 50,
            **(model or {}),
        },
        "data": {"name": "digits", "batch_size": 16},
        "training": {"steps": 20, "report_every": 10},
    }
    for section, values in sections.items():
        base[section] = {**base.get(section, {}), **values}
    return ml_collections.ConfigDict(base)


@pytest.fixture(scope="module")
def small_run(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("small") / "run"
    data = str(workdir.parent / "data")
    results = train.train(_small(), workdir, data_dir=data)
    return workdir, data, results


def _snapshot(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def _refused(config, workdir, **options):
    before = _snapshot(workdir)
    with pytest.raises(errors.InputError) as caught:
        train.train(config, workdir, **options)
    assert _snapshot(workdir) == before
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_an_existing_run_needs_resume(small_run):
    workdir, data, _ = small_run
    message = _refused(_small(), workdir, data_dir=data)
    assert "--resume" in message


def test_a_workdir_of_another_config_is_refused(small_run):
    workdir, data, _ = small_run
    config = _small({"latent_dim": 3})
    message = _refused(config, workdir, data_dir=data, resume=True)
    assert "model.latent_dim: 3, was 2" in message


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (_small({"name": "autoencodr"}), "autoencoder"),
        (_small({"latent_dm": 3}), "latent_dim"),
        (_small({"latent_dim": -3}), "latent_dim"),
        (_small(optimizer={"name": "adm"}), "adam"),
        (_small(data={"name": "digts"}), "digits"),
        (_small(data={"name": "cifar10"}), "--download"),
        (_small({"image_shape": (3, 3, 1)}), "model.image_shape is unknown"),
        pytest.param(
            _small({"hidden_units": (10**13,)}),
            "memory does not hold",
            # TensorFlow waits ten seconds for memory.
            marks=pytest.mark.slow,
        ),
        (_small(data={"train_examples": 9999}), "data.train_examples=9999"),
        (_small(optimizer={"prior": {}}), "config.optimizer.prior is unknown"),
        (
            _small(evals={"fidelity": {"num_images": 9999}}),
            "evals.fidelity.num_images=9999",
        ),
    ],
)
def test_a_bad_config_leaves_no_workdir(config, expected, small_run, tmp_path):
    _, data, _ = small_run
    workdir = tmp_path / "run"
    message = _refused(config, workdir, data_dir=data)
    assert expected in message
    assert not workdir.exists()


def test_a_workdir_that_cannot_be_made_is_refused(small_run, tmp_path):
    _, data, _ = small_run
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(errors.InputError, match="cannot be written"):
        train.train(_small(), tmp_path / "file" / "run", data_dir=data)


def _unfinished(small_run, tmp_path):
    """A copy of the run, as if it were killed before its last line."""
    workdir, data, _ = small_run
    copy = tmp_path / "run"
    shutil.copytree(workdir, copy)
    (copy / "model.weights.h5").unlink()
    (copy / "results.json").unlink()
    return copy, data


def test_a_corrupt_checkpoint_is_refused_and_the_one_before_taken(
    small_run, tmp_path
):
    copy, data = _unfinished(small_run, tmp_path)
    newest = pathlib.Path(str(checkpoints.latest(copy)))
    shard = newest.with_name(newest.name + ".data-00000-of-00001")
    damaged = bytearray(shard.read_bytes())
    damaged[::64] = bytes(x ^ 0xFF for x in damaged[::64])
    shard.write_bytes(damaged)
    message = _refused(_small(), copy, data_dir=data, resume=True)
    assert f"delete {newest}.*" in message
    with pytest.raises(errors.InputError, match="is damaged"):
        checkpoints.load_run(copy)
    for path in newest.parent.glob(newest.name + ".*"):
        path.unlink()
    results = train.train(_small(), copy, data_dir=data, resume=True)
    assert results == small_run[2]


def test_a_truncated_checkpoint_is_refused(small_run, tmp_path):
    copy, data = _unfinished(small_run, tmp_path)
    newest = pathlib.Path(str(checkpoints.latest(copy)))
    index = newest.with_name(newest.name + ".index")
    index.write_bytes(index.read_bytes()[:50])
    message = _refused(_small(), copy, data_dir=data, resume=True)
    assert "is damaged" in message


def test_a_foreign_checkpoint_is_refused(small_run, tmp_path):
    copy, data = _unfinished(small_run, tmp_path)
    path = copy / "config.json"
    settings = json.loads(path.read_text())
    settings["model"]["latent_dim"] = 3
    path.write_text(json.dumps(settings))
    config = _small({"latent_dim": 3})
    message = _refused(config, copy, data_dir=data, resume=True)
    assert "is of another model" in message and "delete" not in message
    with pytest.raises(errors.InputError, match="of another model"):
        checkpoints.load_run(copy)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}"])
def test_a_damaged_config_is_refused(text, small_run, tmp_path):
    copy, data = _unfinished(small_run, tmp_path)
    (copy / "config.json").write_text(text)
    message = _refused(_small(), copy, data_dir=data, resume=True)
    assert "config.json" in message


def test_checkpoints_without_a_config_are_not_overwritten(small_run, tmp_path):
    copy, data = _unfinished(small_run, tmp_path)
    (copy / "config.json").unlink()
    assert "config.json" in _refused(_small(), copy, data_dir=data)


def test_a_run_that_diverges_stops_and_keeps_the_last_checkpoint(
    small_run, tmp_path
):
    _, data, _ = small_run
    config = _small(
        optimizer={"name": "sgd", "learning_rate": 1e30},
        training={"steps": 40, "report_every": 1},
    )
    with pytest.raises(errors.InputError, match=r"step \d+: .*not finite"):
        train.train(config, tmp_path / "run", data_dir=data)
    assert not (tmp_path / "run" / "model.weights.h5").exists()
    if checkpoints.latest(tmp_path / "run"):
        _, model = checkpoints.load_run(tmp_path / "run")
        checkpoints.require_finite(model, 0)


def test_a_workdir_where_nothing_was_trained_may_be_taken(small_run, tmp_path):
    _, data, _ = small_run
    entropic = {
        "name": "entropic_autoencoder",
        "encoder_steps": 10,
        "members": 2,
        "batches_per_step": 3,
    }
    workdir = tmp_path / "run"
    message = _refused(_small(entropic), workdir, data_dir=data)
    assert "does not divide encoder_steps=10" in message
    corrected = {**entropic, "batches_per_step": 5}
    config = _small(corrected, training={"steps": 10})
    results = train.train(config, workdir, data_dir=data)
    assert results["step"] == 10
