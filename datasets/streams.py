"""Images too many for memory, read from disk again at every epoch."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from samplers import seeds

# Images held at once to shuffle the order on disk.
_SHUFFLE_BUFFER = 8192


class Stream:
    """A split on disk that behaves as a uint8 array [N, H, W, C] would.

    Attributes:
        shape: (N, H, W, C).
    """

    def __init__(
        self, open_split: Callable[[], tf.data.Dataset], shape: tuple
    ) -> None:
        """Takes a function that opens the split, in a fixed order."""
        self._open = open_split
        self.shape = shape

    def __len__(self) -> int:
        return self.shape[0]

    def take(self, count: int) -> np.ndarray:
        """The first images on disk, uint8 [count, H, W, C]."""
        rows = list(self._open().take(count).as_numpy_iterator())
        return np.stack(rows)

    def shuffled(self, seed, first: int) -> tf.data.Dataset:
        """Endless (place on disk, image uint8 [H, W, C]), from `first` on.

        Position p lies in epoch p // N; the order within an epoch is a pure
        function of (seed, epoch). Starting within an epoch reads over the
        images before it.
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
            order: Any = tf.cast(folded[0], tf.int64)
            return rows.shuffle(
                min(_SHUFFLE_BUFFER, len(self)),
                seed=order,
                reshuffle_each_iteration=False,
            )

        return tf.data.Dataset.counter(epoch).flat_map(one_epoch).skip(offset)
