"""Encoders kept of a thermal chain: how they are collected and used."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

import errors
import layers
from samplers import nose_hoover, seeds
from zoo import arguments
from zoo.entropic import energy as encoder_energy
from zoo.entropic.dynamics import EncoderDynamics


class EncoderEnsemble:
    """The members of `stored`, each an encoder of `dynamics`."""

    def __init__(
        self,
        dynamics: EncoderDynamics,
        stored: layers.WeightEnsemble,
        interval: int,
        batch_size: int,
    ) -> None:
        """Takes the parts; it collects nothing yet.

        Args:
            dynamics: moves the encoder.
            stored: the members' weights.
            interval: steps before each member.
            batch_size: images of a minibatch.
        """
        self._dynamics = dynamics
        self._stored = stored
        self._interval = interval
        self._batch_size = batch_size
        self._compiled: dict[bool, Callable[..., Any]] = {}

    def collect(
        self,
        state: nose_hoover.State,
        images: np.ndarray,
        *,
        temperature: tf.Tensor,
        seed: tf.Tensor,
        members: int | None,
        jit_compile: bool,
    ) -> np.ndarray:
        """Stores members that the chain visits from `state`.

        Args:
            state: of the chain.
            images: float32 [N, H, W, C], for the minibatches.
            temperature: scalar.
            seed: int32[2] of the minibatches.
            members: how many; None: all that `stored` holds.
            jit_compile: by XLA.

        Returns:
            [members], the kinetic temperature over T at each member.

        Raises:
            errors.InputError: more members than `stored` holds, or weights
                that are not finite.
        """
        number = self._number(members)
        if jit_compile not in self._compiled:
            self._compiled[jit_compile] = seeds.compiled(
                self._sample, jit_compile
            )
        weights, kinetic = self._compiled[jit_compile](
            state, tf.constant(images), temperature, seed, number
        )
        self._stored.fill(weights)
        return np.asarray(kinetic / temperature)

    def _number(self, members: int | None) -> int:
        most = self._stored.members
        if members is None:
            return most
        number = arguments.positive_int("members", members)
        if number > most:
            raise errors.InputError(
                f"members={number} is more than the {most} that the model "
                f"holds: take {most} or fewer, or build it with "
                f"members={number}"
            )
        return number

    def _sample(self, state, images, temperature, seed, members):
        return self._dynamics.ensemble(
            state,
            images,
            temperature=temperature,
            seed=seed,
            members=members,
            interval=self._interval,
            batch_size=self._batch_size,
        )

    def _codes(self, weights: list[tf.Tensor], images: tf.Tensor) -> tf.Tensor:
        return encoder_energy.codes(self._dynamics.encoder, weights, images)

    def codes(self, images: tf.Tensor) -> tf.Tensor:
        """Every member's codes of images: [B, members, latent]."""
        stacked = self._stored.apply(
            lambda weights: self._codes(weights, images), tf.float32
        )
        return tf.transpose(stacked, [1, 0, 2])

    def reconstruction(
        self, images: tf.Tensor, decode: Callable[[tf.Tensor], tf.Tensor]
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Mean and standard deviation over members, each [B, H, W, C].

        Args:
            images: [B, H, W, C].
            decode: codes [B, latent] -> images.
        """
        return self._stored.moments(
            lambda weights: decode(self._codes(weights, images)),
            tf.zeros_like(images),
        )

    def spread_codes(
        self, images: np.ndarray, number: int, in_chunks: Callable[..., Any]
    ) -> tf.Tensor:
        """Codes of images that are shared out among the members.

        Args:
            images: [N, H, W, C].
            number: of codes, if there are so many images.
            in_chunks: applies a function to images, a chunk at a time.

        Returns:
            [M, latent], M about the smaller of `number` and N members.
        """
        members = int(self._stored.count.value)
        share = -(-number // members)
        parts = []
        for index in range(members):
            rows = index * share + np.arange(min(share, len(images)))
            encode = functools.partial(self._codes, self._stored.member(index))
            parts.append(in_chunks(encode, images[rows % len(images)]))
        return tf.concat(parts, axis=0)
