"""Which devices train: a tf.distribute strategy by name."""

import functools

import tensorflow as tf

import errors

NAMES = ("auto", "cpu", "gpu", "mirrored")


def choose(name: str) -> tf.distribute.Strategy:
    """Returns the strategy of a name.

    Args:
        name: "auto" (TensorFlow's own choice of one device), "cpu", "gpu"
            (the first one), or "mirrored" (every GPU; without GPUs every
            logical CPU).

    Raises:
        InputError: unknown name, or the devices are not there.
    """
    if name not in NAMES:
        raise errors.InputError(
            f"strategy {name!r} is unknown: choose one of {', '.join(NAMES)}"
        )
    if name == "auto":
        return tf.distribute.get_strategy()
    gpus = tf.config.list_logical_devices("GPU")
    cpus = tf.config.list_logical_devices("CPU")
    if name == "cpu":
        return tf.distribute.OneDeviceStrategy(cpus[0].name)
    if name == "gpu":
        if not gpus:
            raise errors.InputError(
                "strategy 'gpu' needs a GPU and TensorFlow sees none: take "
                "--strategy=cpu"
            )
        return tf.distribute.OneDeviceStrategy(gpus[0].name)
    devices = gpus or cpus
    if len(devices) < 2:
        raise errors.InputError(
            f"strategy 'mirrored' needs two devices and there is "
            f"{len(devices)}: take --strategy=auto"
        )
    return _mirrored(tuple(device.name for device in devices))


@functools.cache
def _mirrored(devices: tuple[str, ...]) -> tf.distribute.Strategy:
    # One for the process: a second one would number its collective
    # operations anew, and they would meet those of the first.
    return tf.distribute.MirroredStrategy(list(devices))


def check_batch(strategy: tf.distribute.Strategy, batch_size: int) -> None:
    """Raises InputError unless the batch splits evenly over the replicas."""
    replicas = strategy.num_replicas_in_sync
    if batch_size % replicas:
        raise errors.InputError(
            f"config.data.batch_size={batch_size} does not split over "
            f"{replicas} replicas: take a multiple of {replicas}"
        )
