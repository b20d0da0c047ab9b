"""A model on one device, for what replicas cannot do."""

from typing import Any

import zoo


def prepared(model: zoo.Model, rows: Any) -> Any:
    """Prepares the model for generation; returns the model to draw from.

    That is a copy on one device where the model is mirrored: a mirrored
    variable has no single value outside of its strategy.

    Args:
        model: trained, or still training.
        rows: training examples.
    """
    if model.distribute_strategy.num_replicas_in_sync == 1:
        model.prepare(rows)
        return model
    copy: Any = type(model).from_config(model.get_config())
    copy.set_weights(model.get_weights())
    copy.prepare(rows)
    model.set_weights(copy.get_weights())
    return copy
