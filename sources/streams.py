"""Examples too many for memory, read from disk again at every epoch."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from samplers import seeds

# Examples held at once to shuffle the order on disk.
_SHUFFLE_BUFFER = 8192


class Stream:
    """A split on disk; its length, shape and slices are those of an array.

    Attributes:
        shape: (N, *shape of an example).
    """

    def __init__(
        self, open_split: Callable[[], tf.data.Dataset], shape: tuple
    ) -> None:
        """Takes a function that opens the split, in a fixed order."""
        self._open = open_split
        self.shape = shape

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> np.ndarray:
        """The examples of a slice, such as the first ones of `stream[:n]`."""
        start, stop, step = rows.indices(len(self))
        found = self._open().take(stop).skip(start).as_numpy_iterator()
        return np.stack(list(found))[::step]

    def shuffled(self, seed, first: int) -> tf.data.Dataset:
        """Endless (place on disk, example), from position `first` on.

        Position p lies in epoch p // N; the order within an epoch is a pure
        function of (seed, epoch). Starting within an epoch reads over the
        examples before it.
        """
        epoch, offset = divmod(first, len(self))
        rows = self._open().enumerate()

        def one_epoch(index):
            with seeds.xla(False):
                folded = seeds.fold_in(seed, tf.cast(index, tf.int32))
            # The order is to depend on no other seed; beside a global seed of
            # 0 tf.data would also fail on one that is a tensor.
            tf.compat.v1.get_default_graph().seed = None
            # tf.data takes a scalar tensor here; its annotation says int.
            # Both words: the first one depends on the seed alone.
            words = tf.cast(folded, tf.int64)
            order: Any = words[0] + 2**32 * words[1]
            return rows.shuffle(
                min(_SHUFFLE_BUFFER, len(self)),
                seed=order,
                reshuffle_each_iteration=False,
            )

        return tf.data.Dataset.counter(epoch).flat_map(one_epoch).skip(offset)
