"""Weight initialisers that depend on one seed and the place of the layer."""

from typing import Any

import keras

from samplers import seeds


def glorot(seed: int, index: int) -> Any:
    """Glorot-uniform initialiser of the layer `index` of a model.

    Args:
        seed: the model's seed.
        index: number of the layer within the model. Two layers of one model
            must not share it, or equal shapes would start equal.

    Returns:
        A Keras initialiser that draws the same numbers in every process.
    """
    folded = seeds.fold_in(seeds.seed(seed), index)
    # Keras wants a non-negative Python integer.
    return keras.initializers.GlorotUniform(seed=int(folded[0]) & 0x7FFFFFFF)
