"""Log p(x) of a latent model by thermodynamic integration, chain by chain."""

import functools
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

import errors
import losses
import samplers
from samplers import seeds, step_sizes
from zoo import arguments
from zoo.latent_prior import ladders
from zoo.latent_prior.chains import Chain, Codes, number_of
from zoo.latent_prior.tempering import Tempering, nodes_of

# The acceptance that steps are tuned to, in rounds of a few moves.
_ACCEPTANCE, _ROUNDS, _MOVES = 0.7, 40, 5
# Fewer than in Python: a server replays every signature before it serves.
SERVED_STEPS, _SERVED_CHAINS = 20, 4
RULES = ("corrected", "trapezoid")


class Options(NamedTuple):
    """How an estimate is made; hashable, since each has a graph of its own.

    Attributes:
        ladder: the nodes, N_t of them.
        num_steps: moves at each temperature; the last half is averaged.
        num_chains: of each image, at least 2.
        batched: as in Tempering.
        exchange_every: likewise.
        rule: see losses.thermodynamic_integral.
    """

    ladder: tuple[float, ...]
    num_steps: int = SERVED_STEPS
    num_chains: int = _SERVED_CHAINS
    batched: bool = False
    exchange_every: int = 0
    rule: str = "corrected"

    @property
    def keep(self) -> int:
        """Moves at each temperature that are averaged: the last half."""
        return max(1, self.num_steps // 2)


def options(
    batched: bool,
    exchange_every: int,
    ladder: Any = None,
    rule: str = "corrected",
    **numbers: int,
) -> Options:
    """The options of an estimate, checked.

    Args:
        batched: as in Tempering.
        exchange_every: likewise.
        ladder: see tempering.options; None: the default for all models,
            whatever ladder they learn along, so that their estimates compare.
        rule: one of RULES.
        **numbers: num_steps and num_chains, where they are not what is served.

    Raises:
        errors.InputError: one is out of range.
    """
    nodes = tuple(nodes_of(ladder).tolist())
    for key, value in numbers.items():
        arguments.positive_int(key, value)
    found = Options(
        nodes,
        batched=batched,
        exchange_every=exchange_every,
        rule=arguments.one_of("rule", rule, RULES),
        **numbers,
    )
    if found.num_chains < 2:
        raise errors.InputError(
            f"num_chains={found.num_chains} has no standard error: take 2 or "
            "more"
        )
    if found.exchange_every > found.num_steps:
        raise errors.InputError(
            f"num_steps={found.num_steps} is fewer than the model's "
            f"exchange_every={found.exchange_every}: no exchange would come"
        )
    return found


@keras.saving.register_keras_serializable("thermozoo")
class Evidence(keras.layers.Layer):
    """Metropolis-adjusted chains at every temperature, and their integral.

    Exact moves, because the bias of unadjusted ones was larger than any error
    of the quadrature (linear-Gaussian model). The weights are step sizes at
    t = 0 and t = 1, from `tune`; 0 until then.
    """

    def __init__(self, first_step: float, **kwargs):
        """Starts without step sizes.

        Args:
            first_step: h that `tune` starts from.
            **kwargs: as for keras.layers.Layer, such as `name`.
        """
        super().__init__(**kwargs)
        self.first_step = first_step
        self.step_sizes = self.add_weight(
            shape=(2,),
            initializer="zeros",
            trainable=False,
            name="step_sizes",
        )
        self.built = True

    def require_tuned(self) -> None:
        """Raises errors.InputError where nobody has set the step sizes.

        Inside a graph it looks at their values at the time of tracing.
        """
        with tf.init_scope():
            tuned = bool(tf.reduce_all(self.step_sizes.value > 0.0))
        if not tuned:
            raise errors.InputError(
                "log_evidence has no step sizes yet: call "
                "model.prepare(images) with training images first"
            )

    def tune(self, codes: Codes, x: tf.Tensor, seed: tf.Tensor) -> None:
        """Sets step sizes at which most moves are accepted.

        Args:
            codes: how the first ones are drawn; their density is the model's.
            x: [B, ...], images to tune on.
            seed: int32[2].
        """
        shape = tuple(x.shape[1:])
        self.step_sizes.assign(_tuner(codes, self.first_step, shape)(x, seed))

    def measured_ladder(
        self,
        codes: Codes,
        x: tf.Tensor,
        row_seeds: tf.Tensor,
        options: Options,
        name: str,
        num: int,
    ) -> np.ndarray:
        """A ladder that follows what the chains see, see ladders.placed.

        Args:
            codes: how the first ones are drawn; their density is the model's.
            x: [B, ...], images to measure on.
            row_seeds: int32[B, 2].
            options: how; neither its ladder nor its rule is used.
            name: one of ladders.MEASURED.
            num: N_t.

        Returns:
            float64 [N_t].
        """

        def at(x: tf.Tensor, rows: tf.Tensor, nodes: tf.Tensor) -> tf.Tensor:
            return self.log_likelihoods(
                codes, x, rows, options._replace(ladder=nodes)
            )

        steps = tf.TensorSpec([None], tf.float64)
        graph = _graph(at, tuple(x.shape[1:]), [None, 2], steps)
        return ladders.placed(
            name, num, lambda nodes: graph(x, row_seeds, nodes)
        )

    def estimate(
        self,
        codes: Codes,
        x: tf.Tensor,
        row_seeds: tf.Tensor,
        options: Options,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Log p(x) and its standard error, [B] each, in nats.

        The error is that of the chains; what the ladder leaves out is not in
        it. The constant of log p(x | z) is.

        Args:
            codes: how the first ones are drawn; their density is the model's.
            x: [B, ...].
            row_seeds: int32[B, 2]; row i depends on x[i] and row_seeds[i].
            options: how.
        """
        values = self.log_likelihoods(codes, x, row_seeds, options)
        integral = losses.thermodynamic_integral(
            options.ladder,
            values,
            rule=options.rule,
            block=options.keep,
        )
        constant = codes.density.log_constant(x.shape[1:].num_elements())
        return integral.log_evidence + constant, integral.standard_error

    def log_likelihoods(
        self,
        codes: Codes,
        x: tf.Tensor,
        row_seeds: tf.Tensor,
        options: Options,
    ) -> tf.Tensor:
        """Log p(x | z) at codes of all temperatures, without its constant.

        Takes the arguments of `estimate`; the rule is not used.

        Returns:
            [N_t, num_chains * keep, B], those of one chain side by side.
        """
        num_chains, keep = options.num_chains, options.keep
        number = tf.shape(x)[0]
        which = tf.tile(tf.range(num_chains), tf.stack([number]))
        own = seeds.row_fold_in(tf.repeat(row_seeds, num_chains, 0), which)
        first, then = seeds.split(own, 2)
        start = codes.prior(first, number * num_chains)
        at_prior, at_posterior = tf.unstack(self.step_sizes.value)
        tempering = Tempering(
            options.ladder,
            Chain("mala", options.num_steps, at_prior),
            at_prior / at_posterior - 1.0,
            keep,
            options.batched,
            options.exchange_every,
        )
        tempered = tempering.run(
            codes.density, tf.repeat(x, num_chains, 0), start, then
        )
        values = tf.reshape(
            tempered.log_likelihood, [-1, keep, number, num_chains]
        )
        values = tf.transpose(values, [0, 3, 1, 2])
        return tf.reshape(values, [-1, num_chains * keep, number])


def _graph(body: Any, shape: tuple, seed: list, *specs: tf.TensorSpec) -> Any:
    """A graph of body(x, seed, *others) for any number of images.

    One for each number would round differently.
    """
    images = tf.TensorSpec([None, *shape], tf.float32)
    seed_spec = tf.TensorSpec(seed, tf.int32)
    return tf.function(
        body, input_signature=[images, seed_spec, *specs], autograph=False
    )


@functools.lru_cache(maxsize=16)
def _tuner(codes: Codes, first_step: float, shape: tuple[int, ...]) -> Any:
    """The graph of `Evidence.tune`, traced once: pictures tune each time."""

    def tuned(x: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        seed, *others = seeds.split(seed, 3)
        start = codes.prior(seed, number_of(x))
        energies = (
            codes.density.prior_energy,
            functools.partial(codes.density.posterior_energy, x),
        )
        return tf.stack(
            [
                _tuned(energy, start, energy_seed, first_step)
                for energy, energy_seed in zip(energies, others, strict=True)
            ]
        )

    return _graph(tuned, shape, [2])


def _tuned(energy: Any, start: tf.Tensor, seed: Any, first: float) -> tf.Tensor:
    def body(i: Any, position: Any, step: Any) -> tuple[Any, Any, Any]:
        kernel = Chain("mala", _MOVES, 0.0).kernel(energy, step)
        state, accepted = samplers.run(
            kernel,
            kernel.init(position),
            seed=seeds.fold_in(seed, i),
            num_steps=_MOVES,
            observer=samplers.total(lambda state, info: info.acceptance),
        )
        rate = 2.0 / tf.sqrt(tf.cast(i + 1, tf.float32))
        acceptance = tf.reduce_mean(accepted) / _MOVES
        step = step_sizes.adjusted(step, acceptance, _ACCEPTANCE, rate)
        return i + 1, state.position, step

    _, _, step = tf.while_loop(
        lambda i, position, step: i < _ROUNDS,
        body,
        (tf.constant(0), start, tf.constant(first)),
    )
    return step
