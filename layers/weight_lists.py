"""Lists of weights that every kind of checkpoint keeps."""

from collections.abc import Sequence

import keras


def add(
    layer: keras.layers.Layer, name: str, shapes: Sequence[tuple]
) -> list[keras.Variable]:
    """Adds non-trainable weights `name_0`, `name_1`, ... of zeros to a layer.

    tf.train.Checkpoint does not see variables that a Keras layer holds in a
    list only, so each becomes an attribute as well.

    Args:
        layer: the owner.
        name: of the list.
        shapes: one per weight.

    Returns:
        The weights.
    """
    weights = []
    for index, shape in enumerate(shapes):
        weight = layer.add_weight(
            shape=shape,
            initializer="zeros",
            trainable=False,
            name=f"{name}_{index}",
        )
        setattr(layer, f"{name}_{index}", weight)
        weights.append(weight)
    return weights
