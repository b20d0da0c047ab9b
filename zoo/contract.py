"""The contract of the zoo: what a model declares, and what it then can do.

A final model inherits the capabilities that it has (`Generative`, `Encoding`,
`EnergyBased`), declares what differs (`kinds`, `columns`, `players`, ...) and
fills the abstract methods. The rest of the product asks for capabilities and
reads declarations; it never asks for a model by name.
"""

import abc
import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, final

import keras
import numpy as np
import tensorflow as tf

import errors
import samplers
from samplers import seeds
from zoo import arguments, rowwise
from zoo.data import KINDS, DataSpec
from zoo.rowwise import DATA, NUMBER, SEEDS

# Training examples that `prepare` looks at, at most: the first ones.
_PREPARED = 50_000


class Model(keras.Model, abc.ABC):
    """A model of the zoo: a pure function of its arguments and of its data.

    It keeps one `seed` and a counter of its draws, and draw n takes
    fold_in(seed, n). Every argument of the constructor is an attribute of its
    name, from which `get_config` reads it.

    Attributes:
        kinds: of data that the model takes, names of zoo.data.KINDS.
        columns: what a batch of `fit` holds: "x", the examples, and what else
            the model reads: "index" (places in the data set), "label".
        batches_per_step: batches that one train step takes.
        max_replicas: most replicas of a tf.distribute strategy; None: any.
        players: which variables each optimizer moves. The key names the
            optimizer, the value the attributes (networks or variables) that
            it moves; an empty tuple means all of the model.
        data: the DataSpec that the model was built for.
        optimizers: by name of player, once the model is compiled.
    """

    kinds: ClassVar[tuple[str, ...]] = ("image",)
    columns: tuple[str, ...] = ("x",)
    batches_per_step: Any = 1
    max_replicas: int | None = None
    players: ClassVar[Mapping[str, tuple[str, ...]]] = MappingProxyType(
        {"model": ()}
    )

    def __init__(self, *, data, seed=0, **kwargs):
        """Stores what every model has.

        Args:
            data: DataSpec of the examples, or a dict with its fields.
            seed: whole number; the same seed gives the same model.
            **kwargs: as for keras.Model, such as `name`.

        Raises:
            errors.InputError: a kind of data that the model does not take.
        """
        super().__init__(**kwargs)
        self.data = DataSpec.of(data)
        self.seed = arguments.seed(seed)
        if self.data.kind not in self.kinds:
            raise errors.InputError(
                f"{type(self).__name__} does not take {self.data.plural}: "
                f"give it {' or '.join(KINDS[k].plural for k in self.kinds)}"
            )
        self.draw_count = self.add_weight(
            shape=(),
            # int64: TensorFlow keeps int32 variables off the GPU.
            dtype="int64",
            initializer="zeros",
            trainable=False,
            aggregation="only_first_replica",
            name="draw_count",
        )
        self.optimizers: dict[str, Any] = {}
        # Not an attribute that Keras tracks: compiled graphs are no state.
        object.__setattr__(self, "graphs", {})

    @final
    def variables_of(self, player: str) -> list:
        """The trainable variables that the optimizer of a player moves."""
        parts = [getattr(self, name) for name in self.players[player]]
        if not parts:
            return self.trainable_variables
        found: list = []
        for part in parts:
            single = isinstance(part, keras.Variable)
            found += [part] if single else part.trainable_variables
        return found

    @final
    def compile(
        self, optimizer: Any = "adam", *, jit_compile: bool = False, **kwargs
    ) -> None:
        """Sets the optimizers. See keras.Model.compile for the rest.

        Args:
            optimizer: a Keras optimizer or its name; for a model with several
                players a dict of them by player, or one of which each player
                gets a copy.
            jit_compile: compile train steps with XLA. Faster for dense
                networks; convolutions are faster without on a CPU.
            **kwargs: as for keras.Model.compile.

        Raises:
            errors.InputError: an unknown player or one without an optimizer,
                or more replicas than the model can be split over.
        """
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        if self.max_replicas is not None and replicas > self.max_replicas:
            raise errors.InputError(
                f"{replicas} replicas: {type(self).__name__} runs chains that "
                f"cannot be split over more than {self.max_replicas}; take one "
                "device (--strategy=cpu or --strategy=gpu)"
            )
        optimizers = self._by_player(optimizer)
        super().compile(
            optimizer=next(iter(optimizers.values())),
            jit_compile=jit_compile,
            **kwargs,
        )
        self.optimizers = optimizers
        # Checkpoints restore only what exists.
        for player in self.players:
            optimizers[player].build(self.variables_of(player))

    def _by_player(self, optimizer: Any) -> dict[str, Any]:
        players = list(self.players)
        if isinstance(optimizer, Mapping):
            for name in optimizer:
                if name not in players:
                    raise errors.InputError(
                        f"{type(self).__name__} has no player {name!r}: "
                        f"{errors.nearest(name, players)}"
                    )
            for name in players:
                if name not in optimizer:
                    raise errors.InputError(
                        f"player {name!r} of {type(self).__name__} has no "
                        f"optimizer: give one for each of {', '.join(players)}"
                    )
            return {
                name: keras.optimizers.get(optimizer[name]) for name in players
            }
        first = keras.optimizers.get(optimizer)
        config = keras.optimizers.serialize(first)
        others: Any = [
            keras.optimizers.deserialize(config) for _ in players[1:]
        ]
        return dict(zip(players, [first, *others], strict=True))

    @final
    def get_compile_config(self) -> dict:
        """The optimizers and the options of `compile`."""
        config = super().get_compile_config()
        if config:
            config["optimizer"] = {
                name: keras.optimizers.serialize(optimizer)
                for name, optimizer in self.optimizers.items()
            }
        return config

    @final
    def compile_from_config(self, config: dict) -> None:
        """Compiles as `get_compile_config` says."""
        optimizers = {
            name: keras.optimizers.deserialize(one)
            for name, one in config.pop("optimizer").items()
        }
        options = keras.saving.deserialize_keras_object(config)
        self.compile(optimizers, **options)

    @final
    def apply(self, player: str, gradients: list) -> None:
        """Moves the variables of a player; call it inside of a train step.

        Args:
            player: a name of `players`.
            gradients: like its variables, of one replica's mean loss.
        """
        # Keras sums the gradients of the replicas.
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        variables = self.variables_of(player)
        # Embeddings have sparse gradients; of what is not used there is none.
        scaled = [
            tf.zeros(v.shape)
            if gradient is None
            else tf.convert_to_tensor(gradient) / replicas
            for v, gradient in zip(variables, gradients, strict=True)
        ]
        self.optimizers[player].apply(scaled, variables)

    @final
    def next_seed(self) -> tf.Tensor:
        """The seed int32[2] of the next draw; advances the counter.

        Replicas of a tf.distribute strategy get different seeds.
        """
        seed = seeds.fold_in(
            seeds.seed(self.seed), tf.cast(self.draw_count.value, tf.int32)
        )
        self.draw_count.assign_add(tf.ones((), tf.int64))
        context = tf.distribute.get_replica_context()
        if context is not None and context.num_replicas_in_sync > 1:
            seed = seeds.fold_in(seed, context.replica_id_in_sync_group)
        return seed

    @final
    def fit(self, x=None, y=None, *args, **kwargs):
        """Trains the model. See keras.Model.fit.

        Args:
            x: examples [N, *data.shape], or batches of them; images may be
                uint8.
            y: where `columns` has an "index", the place of each example in the
                data set, and where it has a "label" the label: whole numbers
                [N].
            *args: as for keras.Model.fit.
            **kwargs: as for keras.Model.fit, such as `epochs`.

        Raises:
            errors.InputError: examples of another shape, or places that the
                data set does not have.
        """
        self.data.check_batches(x)
        self.data.check_batches(kwargs.get("validation_data"))
        if "index" in self.columns and y is not None:
            self.data.check_index(y)
        return super().fit(x, y, *args, **kwargs)

    @final
    def evaluate(self, x=None, *args, **kwargs):
        """Evaluates the model. See keras.Model.evaluate, and `fit`."""
        self.data.check_batches(x)
        return super().evaluate(x, *args, **kwargs)

    @final
    def predict(self, x, *args, **kwargs):
        """Calls the model in batches. See keras.Model.predict, and `fit`."""
        self.data.check_batches(x)
        return super().predict(x, *args, **kwargs)

    def prepare(self, rows: Any, *, seed: int = 0) -> None:
        """Sets up what generation needs beyond training; default: nothing.

        Args:
            rows: training examples [N, *data.shape].
            seed: seed for choosing among them, and of chains.
        """
        del rows, seed

    def exhibits(self, rows: np.ndarray, *, seed: int = 7) -> dict[str, Any]:
        """What to look at while the model trains, by name.

        Args:
            rows: test examples [n, *data.shape], float32.
            seed: seed of samples.

        Returns:
            examples [n, *data.shape] by name, or a pair of two such arrays,
            which are drawn beside each other.
        """
        del rows, seed
        return {}

    @final
    def serving_functions(self) -> dict[str, rowwise.Signature]:
        """The signatures of an export: those of all row-wise methods."""
        found: dict[str, rowwise.Signature] = {}
        for method in rowwise.methods(type(self)).values():
            found |= method.signatures(self)
        return found

    @final
    def first(self, rows: Any) -> np.ndarray:
        """The first 50,000 examples, in the type that they have.

        Args:
            rows: [N, *data.shape], an array or a stream that has slices.

        Raises:
            errors.InputError: there is none, or the first one does not fit.
        """
        try:
            first = np.asarray(rows[:_PREPARED])
        except TypeError:
            # It has no slices: what is told of it is its shape.
            first = np.asarray(rows)
        # Checks the shape by one example: the others are never copied.
        self.data.as_rows(first[:1] if first.ndim else first)
        return first

    @final
    def graph_of(
        self, function: Callable[..., Any], jit_compile: bool = False
    ) -> Any:
        """A tf.function of a function, traced once in the model's life.

        Args:
            function: a method of the model or of one of its parts.
            jit_compile: compile it with XLA.
        """
        key = "compiled", function, jit_compile
        if key not in self.graphs:
            self.graphs[key] = seeds.compiled(function, jit_compile)
        return self.graphs[key]

    @final
    def choose(self, rows: Any, number: int, seed: int) -> np.ndarray:
        """Up to `number` of the first 50,000 examples, in a seeded order.

        Args:
            rows: [N, *data.shape].
            number: how many at most.
            seed: whole number.

        Returns:
            float32 [min(N, number), *data.shape], checked.
        """
        first = self.first(rows)
        total = len(first)
        order = seeds.permuted(
            tf.range(min(total, number), dtype=tf.int64),
            seeds.seed(seed),
            total,
        )
        return self.data.as_rows(first[np.asarray(order)])

    @final
    def get_config(self) -> dict:
        """The arguments of the constructor."""
        parameters = inspect.signature(type(self).__init__).parameters.values()
        names = [p.name for p in parameters if p.kind is not p.VAR_KEYWORD]
        found = {name: _plain(getattr(self, name)) for name in names[1:]}
        return {**found, "data": _plain(self.data._asdict()), "name": self.name}


class Generative(Model):
    """A model that generates examples."""

    @abc.abstractmethod
    def generate_rows(self, seed: Any, **options: Any) -> tf.Tensor:
        """Generates one example per seed; a row-wise method.

        Args:
            seed: int32[B, 2]; example i depends on seed[i] alone.
            **options: as the model declares, scalars or [B].

        Returns:
            [B, *data.shape] in the range of the kind of data.
        """

    @final
    def generate(self, num_samples: int, *, seed: int = 0, **options: Any):
        """Generates examples.

        Args:
            num_samples: how many.
            seed: whole number; example i depends on (seed, i) alone.
            **options: see `generate_rows` of the model.

        Returns:
            [num_samples, *data.shape] in the range of the kind of data.

        Raises:
            errors.InputError: a bad argument, or `prepare` was not called.
        """
        number = arguments.positive_int("num_samples", num_samples)
        rows = seeds.rows(arguments.not_negative_int("seed", seed), number)
        return self.generate_rows(rows, **options)

    def exhibits(self, rows: np.ndarray, *, seed: int = 7) -> dict[str, Any]:
        """Adds samples; see Model.exhibits."""
        samples = np.asarray(self.generate(self.data.shown, seed=seed))
        return {"samples": samples, **super().exhibits(rows, seed=seed)}


class Encoding(Model):
    """A model with codes: an encoder, or chains that draw them, and a decoder.

    Attributes:
        latent_dim: size of a code.
    """

    latent_dim: int

    @abc.abstractmethod
    def encode(self, x: Any) -> Any:
        """Maps examples [B, *data.shape] to codes; a row-wise method.

        Returns:
            codes [B, latent], or [B, members, latent] where the model has
            several for each example; or a tuple that starts with these.
        """

    @abc.abstractmethod
    def decode(self, z: Any) -> tf.Tensor:
        """Maps codes [B, latent] to examples; a row-wise method."""

    @rowwise.rowwise("x", x=DATA)
    def reconstruct(self, x: Any) -> Any:
        """Encodes and decodes examples.

        Args:
            x: [B, *data.shape].

        Returns:
            [B, *data.shape], or a tuple that starts with it.
        """
        return self.decode(self._code(x))

    @final
    @rowwise.rowwise("x", x0=DATA, x1=DATA, alpha=NUMBER)
    def interpolate(self, x0: Any, x1: Any, alpha: Any) -> tf.Tensor:
        """Decodes (1 - alpha) z(x0) + alpha z(x1).

        Args:
            x0: examples [B, *data.shape].
            x1: [B, *data.shape].
            alpha: [B] or one number, 0 for the first example and 1 for the
                second.

        Returns:
            [B, *data.shape].
        """
        first, second = self._code(x0), self._code(x1)
        return self.decode(first + alpha[:, None] * (second - first))

    def _code(self, x: Any) -> tf.Tensor:
        """One code [B, latent] of each example."""
        found = self.encode(x)
        codes = found[0] if isinstance(found, tuple) else found
        # The codes of an ensemble's members are averaged.
        return tf.reduce_mean(codes, 1) if codes.shape.rank == 3 else codes

    def exhibits(self, rows: np.ndarray, *, seed: int = 7) -> dict[str, Any]:
        """Adds reconstructions beside the originals; see Model.exhibits."""
        found: Any = self.reconstruct(rows)
        restored = found[0] if isinstance(found, tuple) else found
        pair = rows, np.asarray(restored)
        return {**super().exhibits(rows, seed=seed), "reconstructions": pair}


class EnergyBased(Model):
    """A model with an energy of examples: p(x) ~ exp(-energy(x))."""

    @abc.abstractmethod
    def energy(self, x: Any) -> tf.Tensor:
        """The energy [B] of examples [B, *data.shape]; a row-wise method."""

    @abc.abstractmethod
    def kernel(self, temperature: Any = 1.0) -> samplers.Kernel:
        """A transition that leaves exp(-energy / temperature) invariant."""

    @final
    @rowwise.rowwise("x", x=DATA, seed=SEEDS)
    def refine_rows(self, x: Any, seed: Any, steps: int = 1) -> tf.Tensor:
        """Runs chains from examples, each with a seed of its own.

        Args:
            x: [B, *data.shape], where the chains start.
            seed: int32[B, 2].
            steps: of each chain; each number of steps has a graph.

        Returns:
            [B, *data.shape], where they end.
        """
        kernel = self.kernel()
        first, then = seeds.split(seed, 2)
        state, _ = samplers.run(
            kernel, kernel.init(x, first), seed=then, num_steps=steps
        )
        return state.position

    @final
    def refine(self, x: Any, steps: int, *, seed: int = 0) -> tf.Tensor:
        """Runs chains of the model's own dynamics from examples.

        Args:
            x: [N, *data.shape], where the chains start.
            steps: of each chain.
            seed: whole number; chain i depends on (x[i], seed, i) alone.

        Returns:
            [N, *data.shape], where they end.
        """
        steps = arguments.positive_int("steps", steps)
        rows = seeds.rows(arguments.not_negative_int("seed", seed), len(x))
        return self.refine_rows(x, rows, steps=steps)


def _plain(value: Any) -> Any:
    """What JSON keeps of an argument: lists, dicts and numbers."""
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    return value
