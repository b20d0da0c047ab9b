"""The contract of the zoo: abstract or final, no hooks."""

import abc
import inspect
from typing import Any, final

import keras
import numpy as np
import tensorflow as tf

import errors
from samplers import seeds
from zoo import arguments

# Rows of one pass of `generate`, so that memory stays flat.
_CHUNK = 256


class Generator(keras.Model, abc.ABC):
    """A model that generates images.

    Images are float32 in [0, 1], [B, height, width, channels]. A model is a
    pure function of its constructor arguments and of the data it saw: it
    keeps one `seed` and a counter of its draws, and draw n takes
    fold_in(seed, n).
    """

    def __init__(self, *, image_shape, seed=0, **kwargs):
        """Stores what every model has.

        Args:
            image_shape: (height, width, channels).
            seed: whole number; the same seed gives the same model.
            **kwargs: Keras's own, as `name`.
        """
        super().__init__(**kwargs)
        self.image_shape = arguments.image_shape(image_shape)
        self.seed = arguments.seed(seed)
        self.draws = self.add_weight(
            shape=(),
            # int64: TensorFlow keeps int32 variables off the GPU.
            dtype="int64",
            initializer="zeros",
            trainable=False,
            aggregation="only_first_replica",
            name="draws",
        )

    def fit(self, x=None, *args, **kwargs):
        """Keras's, of images.

        Args:
            x: images, or batches of them.
            *args: Keras's own, as **kwargs.
            **kwargs: as `epochs`.

        Raises:
            errors.InputError: the images' shape is another.
        """
        self._check_shape(x)
        self._check_shape(kwargs.get("validation_data"))
        return super().fit(x, *args, **kwargs)

    def evaluate(self, x=None, *args, **kwargs):
        """Keras's, of images; see `fit`."""
        self._check_shape(x)
        return super().evaluate(x, *args, **kwargs)

    def predict(self, x, *args, **kwargs):
        """Keras's, of images; see `fit`."""
        self._check_shape(x)
        return super().predict(x, *args, **kwargs)

    def _check_shape(self, x: Any) -> None:
        # Keras forgets a size that changes between calls, and goes on.
        first = getattr(x, "element_spec", x)
        while isinstance(first, tuple | list) and first:
            first = first[0]
        known = getattr(first, "shape", None)
        if known is None or tf.TensorShape(known).rank is None:
            return
        shape = tf.TensorShape(known)
        own = shape[-3:].is_compatible_with(self.image_shape)
        if shape.rank < 4 or not own:
            raise errors.InputError(
                f"images of shape {tuple(shape)} do not fit the model: "
                f"[N, {', '.join(map(str, self.image_shape))}] is needed"
            )

    @final
    def next_seed(self) -> tf.Tensor:
        """The seed int32[2] of the next draw; advances the counter.

        Replicas of a tf.distribute strategy get different seeds.
        """
        seed = seeds.fold_in(
            seeds.seed(self.seed), tf.cast(self.draws.value, tf.int32)
        )
        self.draws.assign_add(tf.ones((), tf.int64))
        context = tf.distribute.get_replica_context()
        if context is not None and context.num_replicas_in_sync > 1:
            seed = seeds.fold_in(seed, context.replica_id_in_sync_group)
        return seed

    @final
    def generate(self, num_samples: int, *, seed: int = 0, **options):
        """Generates images.

        Args:
            num_samples: how many.
            seed: whole number; image i depends on (seed, i) alone.
            **options: the model's own, numbers of at least 0; see its
                `generate_rows`.

        Returns:
            [num_samples, H, W, C] in [0, 1].

        Raises:
            errors.InputError: a bad argument, or a prior not fitted yet.
        """
        number = arguments.positive_int("num_samples", num_samples)
        rows = seeds.rows(arguments.not_negative_int("seed", seed), number)
        options = self._checked(options)
        return tf.concat(
            [
                self.generate_rows(rows[start : start + _CHUNK], **options)
                for start in range(0, number, _CHUNK)
            ],
            axis=0,
        )

    def _checked(self, options: dict) -> dict:
        parameters = inspect.signature(self.generate_rows).parameters.values()
        known = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]
        for key in options:
            if key not in known:
                raise errors.InputError(
                    f"{key!r} is no option of {type(self).__name__}.generate: "
                    f"known: {', '.join(known) or 'none'}"
                )
        return {
            key: arguments.not_negative(key, value)
            for key, value in options.items()
            if value is not None
        }

    @abc.abstractmethod
    def generate_rows(
        self, row_seeds: tf.Tensor, *args: Any, **options: Any
    ) -> tf.Tensor:
        """Generates one image per row seed.

        Args:
            row_seeds: int32[B, 2]; image i depends on row_seeds[i] alone.
            *args: none; options go by name.
            **options: the model's own, scalars or [B].

        Returns:
            [B, H, W, C] in [0, 1].
        """

    @abc.abstractmethod
    def fit_prior(self, images, *, seed: int = 0) -> None:
        """Fits what generation needs beyond training; cheap where nothing.

        Args:
            images: training images [N, H, W, C], float in [0, 1] or uint8.
            seed: of the choice of images.
        """

    @abc.abstractmethod
    def serving_functions(self) -> dict:
        """Functions to export, by signature name.

        Each is a tf.function in graph mode with named input specs, returns a
        dict, and has a leading batch axis on all inputs and outputs; a row of
        the output depends on the same row of the inputs alone.

        Raises:
            errors.InputError: the prior is not fitted yet.
        """

    @final
    def as_images(self, images) -> np.ndarray:
        """Returns images as float32 in [0, 1], checked against image_shape.

        Args:
            images: [N, H, W, C], floats in [0, 1] or uint8.

        Raises:
            errors.InputError: the shape is another.
        """
        array = np.asarray(images)
        if array.ndim != 4 or array.shape[1:] != self.image_shape:
            raise errors.InputError(
                f"images of shape {array.shape} do not fit the model: an "
                f"array [N, {', '.join(map(str, self.image_shape))}] is needed"
            )
        if not len(array):
            raise errors.InputError("0 images given: at least 1 is needed")
        if array.dtype == np.uint8:
            return array.astype(np.float32) / np.float32(255)
        return array.astype(np.float32, copy=False)

    @final
    def as_input(self, images) -> tf.Tensor:
        """Returns images as a float32 tensor, checked and uint8 scaled.

        In a graph it checks what is known there, the shape and the type.

        Args:
            images: [B, H, W, C], floats in [0, 1] or uint8.

        Raises:
            errors.InputError: the shape is another.
        """
        tensor = tf.convert_to_tensor(images)
        if not tensor.shape.is_compatible_with((None, *self.image_shape)):
            raise errors.InputError(
                f"images of shape {tuple(tensor.shape)} do not fit the model: "
                f"[B, {', '.join(map(str, self.image_shape))}] is needed"
            )
        return tf.cast(self.scaled(tensor), tf.float32)

    @staticmethod
    def scaled(images: tf.Tensor) -> tf.Tensor:
        """Whole grey values (uint8) as floats in [0, 1]; floats as they are.

        For what `fit` and `evaluate` hand on; see `as_input` for the rest.
        """
        if images.dtype != "uint8":
            return images
        return tf.cast(images, tf.float32) / 255.0

    @final
    def choose(self, images, number: int, seed: int) -> np.ndarray:
        """Up to `number` of the images, checked and in a seeded order.

        Args:
            images: [N, H, W, C], floats in [0, 1] or uint8.
            number: how many at most.
            seed: whole number.

        Returns:
            float32 [min(N, number), H, W, C].
        """
        array = np.asarray(images)
        # Checks the shape by one image: the others are never copied.
        self.as_images(array[:1] if array.ndim else array)
        total = len(array)
        order = seeds.permuted(
            tf.range(min(total, number), dtype=tf.int64),
            seeds.seed(seed),
            total,
        )
        return self.as_images(array[np.asarray(order)])

    @final
    def in_chunks(self, function, images: np.ndarray) -> tf.Tensor:
        """Applies a row-wise function to images, a chunk at a time."""
        return tf.concat(
            [
                function(images[start : start + _CHUNK])
                for start in range(0, len(images), _CHUNK)
            ],
            axis=0,
        )


class LatentGenerator(Generator):
    """A generator with an encoder and a decoder."""

    latent_dim: int

    @final
    def as_codes(self, codes) -> tf.Tensor:
        """Returns codes as a float32 tensor, checked against `latent_dim`.

        Args:
            codes: [B, latent].

        Raises:
            errors.InputError: the shape is another.
        """
        tensor = tf.convert_to_tensor(codes)
        if not tensor.shape.is_compatible_with((None, self.latent_dim)):
            raise errors.InputError(
                f"codes of shape {tuple(tensor.shape)} do not fit the model: "
                f"[B, {self.latent_dim}] is needed"
            )
        return tf.cast(tensor, tf.float32)

    @abc.abstractmethod
    def encode(self, images: tf.Tensor) -> Any:
        """Maps images [B, H, W, C] to codes; see the model for the form."""

    @abc.abstractmethod
    def decode(self, codes: tf.Tensor) -> tf.Tensor:
        """Maps codes [B, latent] to images [B, H, W, C] in [0, 1]."""

    @abc.abstractmethod
    def reconstruct(self, images: tf.Tensor) -> Any:
        """Encodes and decodes images [B, H, W, C]."""

    @abc.abstractmethod
    def interpolate(
        self, first: tf.Tensor, second: tf.Tensor, alpha: tf.Tensor
    ) -> tf.Tensor:
        """Decodes (1 - alpha) z(first) + alpha z(second).

        Args:
            first: [B, H, W, C].
            second: [B, H, W, C].
            alpha: [B], 0 for the first image and 1 for the second.

        Returns:
            [B, H, W, C] in [0, 1].
        """


def lerp(first: tf.Tensor, second: tf.Tensor, alpha: tf.Tensor) -> tf.Tensor:
    """(1 - alpha) first + alpha second for codes [B, latent], alpha [B].

    Raises:
        errors.InputError: the lengths differ, or alpha is a scalar.
    """
    weight = tf.cast(alpha, first.dtype)
    rows = first.shape[:1]
    for what, shape in (("second", second.shape[:1]), ("alpha", weight.shape)):
        if not shape.is_compatible_with(rows):
            raise errors.InputError(
                f"{what} of shape {tuple(shape)} does not fit {rows[0]} first "
                "images: interpolate takes first [B, ...], second [B, ...] "
                "and alpha [B]"
            )
    return first + weight[:, None] * (second - first)
