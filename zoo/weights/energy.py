"""The energy of any network's trainable weights, on any loss.

    U(w) = mean loss over the examples + the network's own penalties
           + T prior_precision |w|^2 / 2

so that exp(-U / T) is exp(-loss / T) times a normal prior N(0, 1 / precision)
that does not depend on T. Each tensor of w may have a precision of its own.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import errors
from samplers import energies, minibatches, particles
from zoo import arguments


def weights(network: keras.Model) -> list[tf.Tensor]:
    """The trainable weights of a network as tensors."""
    return [tf.convert_to_tensor(w.value) for w in network.trainable_variables]


def outputs(
    network: keras.Model, position: Sequence[tf.Tensor], inputs: Any
) -> tf.Tensor:
    """What the network makes of inputs [B, ...] with these weights."""
    frozen = [w.value for w in network.non_trainable_variables]
    found: Any = network.stateless_call(
        list(position), frozen, inputs, training=False
    )
    return found[0]


@dataclasses.dataclass(frozen=True)
class WeightEnergy:
    """U of the module's docstring.

    Attributes:
        network: built; it is not changed.
        loss: as `loss_function` gives it.
        inputs: structure of tensors [N, ...].
        targets: likewise.
        temperature: T, in units of the loss.
        prior_precision: of the normal prior, one number a tensor of weights;
            0 for none.
        batch_size: examples of a minibatch; None for all of them.
    """

    network: keras.Model
    loss: Callable[[Any, Any], Any]
    inputs: Any
    targets: Any
    temperature: float
    prior_precision: tuple[float, ...]
    batch_size: int | None

    def evaluator(self) -> energies.Evaluator:
        """For a kernel with chain_ndims=0; `aux` is the loss alone."""
        data = self.inputs, self.targets

        def fn(position, seed, batch):
            del batch
            chosen = data
            if self.batch_size is not None:
                chosen = minibatches.drawn(seed, data, self.batch_size)
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(position)
                loss, penalty = self.parts(position, *chosen)
                energy = loss + penalty
            gradient: Any = tape.gradient(
                energy,
                position,
                unconnected_gradients=tf.UnconnectedGradients.ZERO,
            )
            gradient = [tf.convert_to_tensor(g) for g in gradient]
            return energies.Evaluation(energy, gradient, loss)

        return energies.Evaluator(fn, self.batch_size is not None)

    def parts(
        self, position: Sequence[tf.Tensor], inputs: Any, targets: Any
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The mean loss on a batch, and all penalties: scalars.

        They are of the weights' dtype; U is their sum.
        """
        frozen = [w.value for w in self.network.non_trainable_variables]
        found: Any = self.network.stateless_call(
            list(position), frozen, inputs, training=False, return_losses=True
        )
        values = tf.convert_to_tensor(self.loss(targets, found[0]))
        _check_values(values, targets, found[0])
        dtype = particles.dtype_of(position)
        penalty = tf.zeros([], dtype)
        for own in found[2]:
            penalty += tf.cast(own, dtype)
        halves = particles.half_squares(position, 0)
        for half, precision in zip(halves, self.prior_precision, strict=True):
            if precision:
                scale = self.temperature * precision
                penalty += tf.cast(scale, dtype) * half
        return tf.cast(tf.reduce_mean(values), dtype), penalty


def _check_values(values: tf.Tensor, targets: Any, predictions: Any) -> None:
    """Refuses what a careless broadcast of [B] against [B, 1] gives."""
    if not values.shape.is_fully_defined():
        return
    sizes = [
        tensor.shape.num_elements()
        for tensor in (*tf.nest.flatten(targets), predictions)
    ]
    if None in sizes or values.shape.num_elements() <= max(sizes):
        return
    raise errors.InputError(
        f"loss of shape {values.shape} for predictions of shape "
        f"{predictions.shape} has more numbers than these: give targets the "
        "shape of the predictions"
    )


def precisions(prior: Any, network: keras.Model) -> tuple[float, ...]:
    """One precision a trainable tensor, from one for all or from a list.

    Raises:
        errors.InputError: a negative one, or another number of them.
    """
    number = len(network.trainable_variables)
    listed = prior if isinstance(prior, list | tuple) else [prior] * number
    if len(listed) != number:
        raise errors.InputError(
            f"prior_precision has {len(listed)} numbers for {number} trainable "
            "tensors: pass one for each, or one for all"
        )
    return tuple(arguments.not_negative("prior_precision", p) for p in listed)


def loss_function(loss: Any) -> Callable[[Any, Any], Any]:
    """A function (targets, predictions) -> tensor, whose mean is the loss.

    Args:
        loss: a keras.losses.Loss, a Keras name, or such a function.

    Raises:
        errors.InputError: none of these, or a loss that sums over examples,
            whose energy would depend on the batch's size.
    """
    try:
        found: Any = keras.losses.get(loss)
    except ValueError:
        found = None
    if not callable(found):
        raise errors.InputError(
            f"loss={loss!r} is unknown: pass a keras.losses.Loss, its name, "
            "or a function of (targets, predictions)"
        )
    if isinstance(found, keras.losses.Loss) and found.reduction == "sum":
        raise errors.InputError(
            f"loss {found.name!r} sums over examples: choose "
            "reduction='sum_over_batch_size' or None, for a mean"
        )
    return found


def tensors(inputs: Any, targets: Any) -> tuple[Any, Any]:
    """The data as tensors, checked.

    Raises:
        errors.InputError: no examples, or lengths that differ.
    """
    data = tf.nest.map_structure(_as_tensor, (inputs, targets))
    flat = tf.nest.flatten(data)
    lengths = [t.shape[0] if t.shape.rank else None for t in flat]
    if (
        not lengths
        or None in lengths
        or len(set(lengths)) > 1
        or not lengths[0]
    ):
        shapes = ", ".join(str(t.shape) for t in flat)
        raise errors.InputError(
            f"x and y of shapes {shapes} are no examples: give all of them "
            "one length of at least 1 along the first axis"
        )
    return data


def _as_tensor(rows: Any) -> tf.Tensor:
    """Numbers of Keras's default precision, as in `fit`."""
    tensor = tf.convert_to_tensor(rows)
    if tensor.dtype.is_floating:
        tensor = tf.cast(tensor, keras.config.floatx())
    return tensor


def check_network(network: Any, inputs: Any) -> None:
    """Refuses networks whose weights have no energy of their own.

    Args:
        network: a built keras.Model.
        inputs: structure of tensors [N, ...].

    Raises:
        errors.InputError: not built, no trainable weights, several outputs,
            or layers that change their state when they are trained.
    """
    if not isinstance(network, keras.Model) or not network.built:
        raise errors.InputError(
            f"model {network!r} is not a built keras.Model: call it on a "
            "batch once, or model.build(shape)"
        )
    if not network.trainable_variables:
        raise errors.InputError(
            f"model {network.name!r} has no trainable weights: set "
            "layer.trainable = True where they shall move"
        )
    few = tf.nest.map_structure(lambda rows: rows[:2], inputs)
    before = [w.value for w in network.non_trainable_variables]
    found: Any = network.stateless_call(
        weights(network), before, few, training=True
    )
    if not tf.is_tensor(found[0]):
        raise errors.InputError(
            f"model {network.name!r} has several outputs: simmer one at a time"
        )
    changed = [
        variable.path
        for variable, old, new in zip(
            network.non_trainable_variables, before, found[1], strict=True
        )
        if not np.array_equal(np.asarray(old), np.asarray(new))
    ]
    if changed:
        raise errors.InputError(
            f"training would change {changed[0]!r}, so that the weights alone "
            "do not fix the energy: build the model without dropout, noise "
            "and batch normalisation, or freeze the latter "
            "(layer.trainable = False)"
        )
