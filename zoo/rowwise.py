"""Methods on rows: checked, compiled once, chunked, and served by their name.

    class Autoencoder(Generative, Encoding):
        @rowwise("z", x=DATA)
        def encode(self, x):
            return self.encoder(x)

`model.encode(images)` checks the images, runs one graph for any number of
rows, a chunk at a time, and returns a tensor. Inside another graph the body
runs as it is. A server offers the same body as the signature "encode" with
the input "x" and the output "z".

Inputs whose parameter has a default are options of a row. Where there are
any, a second signature NAME_with takes them too. A method called NAME_rows is
served as NAME.
"""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

import errors

# Rows of one pass of an eager call, so that memory stays flat.
CHUNK = 256


class RowSpec(NamedTuple):
    """One input of a row-wise method.

    Attributes:
        shape: of a row, or "data" for that of the model's data, or "latent"
            for that of its codes.
        dtype: name of a type: "float32" for numbers, "int32" for seeds and
            labels, "bool" for masks.
        low: the least value; None: any. A call refuses values outside; a
            server, which merges the rows of several clients, clips them.
        high: the greatest value; None: any.
    """

    shape: Any = ()
    dtype: str = "float32"
    low: float | None = None
    high: float | None = None

    def tensor_spec(self, model: Any, name: str) -> tf.TensorSpec:
        """The spec [None, *shape] of the input `name`."""
        return tf.TensorSpec([None, *self._row(model)], self.dtype, name)

    def tensor(self, model: Any, name: str, value: Any) -> tf.Tensor:
        """The value as a tensor [B, *shape], or as a scalar option.

        Raises:
            errors.InputError: another shape, or a value outside of the range.
        """
        if self == DATA:
            return model.data.as_tensor(value)
        row = self._row(model)
        try:
            tensor = tf.convert_to_tensor(value)
            cast = tf.cast(tensor, self.dtype)
        except (TypeError, ValueError, tf.errors.OpError) as error:
            raise self._outside(name, value) from error
        fits = tensor.shape.is_compatible_with((None, *row))
        if not fits and not (row == () and tensor.shape.rank == 0):
            raise errors.InputError(
                f"{name} of shape {tuple(tensor.shape)} does not fit the "
                f"model: [{', '.join(map(str, ('B', *row)))}] is needed"
            )
        if tf.executing_eagerly():
            given = tensor.numpy()
            bad = given[~self._inside(given, cast.numpy())]
            if bad.size:
                raise self._outside(name, bad.flat[0])
        return cast

    def clipped(self, value: tf.Tensor) -> tf.Tensor:
        """The value within the range, for a server."""
        if self.low is not None:
            value = tf.maximum(value, tf.cast(self.low, value.dtype))
        if self.high is not None:
            value = tf.minimum(value, tf.cast(self.high, value.dtype))
        return value

    def examples(self, model: Any, number: int, seed: int = 0) -> np.ndarray:
        """Values in range: [number, *shape], for requests that warm up."""
        if self == DATA:
            return model.data.examples(number, seed)
        generator = np.random.default_rng(seed)
        shape = (number, *self._row(model))
        dtype = tf.as_dtype(self.dtype)
        if dtype.is_bool:
            return generator.integers(0, 2, shape).astype(bool)
        low = 0 if self.low is None else self.low
        high = low + 1 if self.high is None else self.high
        if dtype.is_integer:
            high = 100 if self.high is None else self.high
            whole = generator.integers(int(low), int(high) + 1, shape)
            return whole.astype(dtype.as_numpy_dtype)
        inner = low + (high - low) * generator.uniform(0.25, 1.0, shape)
        return inner.astype(dtype.as_numpy_dtype)

    def _row(self, model: Any) -> tuple[int, ...]:
        if self.shape == "data":
            return tuple(model.data.shape)
        if self.shape == "latent":
            return (model.latent_dim,)
        return tuple(self.shape)

    def _inside(self, given: np.ndarray, cast: np.ndarray) -> np.ndarray:
        """Where the values are in range, and whole where they have to be."""
        if cast.dtype == bool:
            return np.ones(given.shape, bool)
        low = -np.inf if self.low is None else self.low
        high = np.inf if self.high is None else self.high
        same = given == cast if cast.dtype.kind == "i" else np.isfinite(given)
        return same & (cast >= low) & (cast <= high)

    def _outside(self, name: str, value: Any) -> errors.InputError:
        shown = value.item() if isinstance(value, np.generic) else value
        return errors.InputError(f"{name}={shown!r} must be {self._range()}")

    def _range(self) -> str:
        kind = "whole number" if self.dtype == "int32" else "number"
        if self.low is None and self.high is None:
            return f"a {kind}" if self.dtype != "bool" else "True or False"
        if self.high is None:
            return f"a {kind} of at least {self.low:g}"
        if self.low is None:
            return f"a {kind} of at most {self.high:g}"
        return f"a {kind} from {self.low:g} to {self.high:g}"


DATA = RowSpec("data")
CODES = RowSpec("latent")
SEEDS = RowSpec((2,), "int32")
NUMBER = RowSpec()
NOT_NEGATIVE = RowSpec(low=0.0)


class Signature(NamedTuple):
    """What a model serves under one name.

    Attributes:
        function: a tf.function in graph mode with named input specs, from
            tensors [B, ...] to a dict of tensors [B, ...].
        inputs: spec by name of input.
        examples: (number of rows, samples=None) -> arrays by name of input;
            where there are samples of the model, examples of data are these.
    """

    function: Any
    inputs: Mapping[str, tf.TensorSpec]
    examples: Callable[..., dict[str, np.ndarray]]


class Rowwise:
    """A body with its inputs and outputs; `rowwise` makes a method of it."""

    def __init__(
        self,
        body: Callable[..., Any],
        outputs: tuple[str, ...],
        inputs: Mapping[str, RowSpec],
        chunk: int,
    ) -> None:
        """Takes a function (model, **inputs, **others); see `rowwise`."""
        self.body = body
        self.outputs = outputs
        self.inputs = dict(inputs)
        self.chunk = chunk
        self.name = body.__name__
        self.served = self.name.removesuffix("_rows")
        self._signature = inspect.signature(body)
        empty = inspect.Parameter.empty
        parameters = self._signature.parameters
        self.options = tuple(
            key for key in inputs if parameters[key].default is not empty
        )

    def call(self, model: Any, args: tuple, kwargs: dict) -> Any:
        """Runs the body on the arguments of a call."""
        given = self._bound(model, args, kwargs)
        tensors = {
            key: spec.tensor(model, key, given.pop(key))
            for key, spec in self.inputs.items()
            if key in given
        }
        number = self._number(tensors)
        if not tf.executing_eagerly():
            return self.body(model, **_by_row(tensors, number), **given)
        tensors = _by_row(tensors, number)
        graph = self._graph(model, tuple(tensors), given)
        parts = [
            graph(*(t[i : i + self.chunk] for t in tensors.values()))
            for i in range(0, max(1, int(number)), self.chunk)
        ]
        if len(parts) == 1:
            return parts[0]
        return tf.nest.map_structure(lambda *rows: tf.concat(rows, 0), *parts)

    def signatures(self, model: Any) -> dict[str, Signature]:
        """What a server offers: without options, and with all of them."""
        required = [key for key in self.inputs if key not in self.options]
        found = {self.served: self._served(model, required)}
        if self.options:
            name = f"{self.served}_with"
            found[name] = self._served(model, list(self.inputs))
        return found

    def _bound(self, model: Any, args: tuple, kwargs: dict) -> dict[str, Any]:
        """The arguments by name, without those that are None."""
        where = f"{type(model).__name__}.{self.name}"
        try:
            bound = self._signature.bind(model, *args, **kwargs).arguments
        except TypeError as error:
            known = list(self._signature.parameters)[1:]
            unknown = [key for key in kwargs if key not in known]
            if unknown:
                raise errors.InputError(
                    f"{unknown[0]!r} is no argument of {where}: "
                    f"{errors.nearest(unknown[0], known)}"
                ) from error
            raise errors.InputError(f"{where}: {error}") from error
        given = {}
        for key, value in list(bound.items())[1:]:
            if value is not None:
                given[key] = value
            elif key in self.inputs and key not in self.options:
                raise errors.InputError(f"{where}: {key} is missing")
        return given

    def _number(self, tensors: Mapping[str, tf.Tensor]) -> Any:
        """How many rows there are; raises where the inputs differ in it."""
        whole = {key: t for key, t in tensors.items() if t.shape.rank}
        if not whole:
            return 1
        first, *others = whole.items()
        for name, tensor in others:
            if not tensor.shape[:1].is_compatible_with(first[1].shape[:1]):
                raise errors.InputError(
                    f"{name} of shape {tuple(tensor.shape)} does not fit "
                    f"{first[1].shape[0]} rows of {first[0]}: give one for "
                    "each row"
                )
        known = first[1].shape[0]
        return tf.shape(first[1])[0] if known is None else known

    def _graph(self, model: Any, names: tuple, others: dict) -> Any:
        """The graph of these inputs, for any number of rows.

        One for each number would round differently, so that results would
        depend on what was called before.
        """
        key = (self.name, names, tuple(sorted(others.items())))
        if key not in model.graphs:
            specs = [self.inputs[n].tensor_spec(model, n) for n in names]

            def run(*tensors: tf.Tensor) -> Any:
                rows = dict(zip(names, tensors, strict=True))
                return self.body(model, **rows, **others)

            model.graphs[key] = tf.function(
                run, input_signature=specs, autograph=False, jit_compile=False
            )
        return model.graphs[key]

    def _served(self, model: Any, names: list[str]) -> Signature:
        specs = {n: self.inputs[n].tensor_spec(model, n) for n in names}

        def run(*tensors: tf.Tensor) -> dict[str, tf.Tensor]:
            rows = {
                name: self.inputs[name].clipped(tensor)
                for name, tensor in zip(names, tensors, strict=True)
            }
            found = self.body(model, **rows)
            found = found if isinstance(found, tuple) else (found,)
            return dict(zip(self.outputs, found, strict=True))

        def examples(number: int, samples: Any = None) -> dict:
            return {
                name: samples
                if self.inputs[name] == DATA and samples is not None
                else self.inputs[name].examples(model, number)
                for name in names
            }

        # XLA functions are refused by a server in its default setting.
        function = tf.function(
            run,
            input_signature=list(specs.values()),
            autograph=False,
            jit_compile=False,
        )
        return Signature(function, specs, examples)


def rowwise(
    *outputs: str, chunk: int = CHUNK, **inputs: RowSpec
) -> Callable[[Callable[..., Any]], Any]:
    """A method whose row i of the outputs depends on row i of the inputs.

    Args:
        *outputs: their names, as a server calls them. A body with several
            returns a tuple.
        chunk: rows of one pass of an eager call.
        **inputs: the spec of each parameter that is given by row. Options
            (parameters with a default) may be left out. Inputs that are one
            number a row may be one number for all rows. Other parameters must
            be hashable; each of their values has a graph.

    Returns:
        a decorator of methods.
    """

    def decorate(body: Callable[..., Any]) -> Any:
        rows = Rowwise(body, outputs, inputs, chunk)

        @functools.wraps(body)
        def method(self: Any, *args: Any, **kwargs: Any) -> Any:
            return rows.call(self, args, kwargs)

        method.rowwise = rows  # type: ignore[attr-defined]
        return method

    return decorate


def methods(cls: type) -> dict[str, Rowwise]:
    """The row-wise methods of a class, by name.

    Raises:
        TypeError: a class has replaced one by a method that is not row-wise:
            it would have no checks, and no server would offer it.
    """
    found = {}
    for name in dir(cls):
        rows = [
            getattr(vars(parent)[name], "rowwise", None)
            for parent in cls.__mro__
            if name in vars(parent)
        ]
        if rows[:1] == [None] and any(rows):
            raise TypeError(
                f"{cls.__name__}.{name} replaces a row-wise method: decorate "
                "it with @rowwise"
            )
        if rows and rows[0]:
            found[name] = rows[0]
    return found


def _by_row(tensors: dict[str, tf.Tensor], number: Any) -> dict:
    """The tensors, scalar options repeated for each row."""
    return {
        key: t if t.shape.rank else tf.broadcast_to(t, [number])
        for key, t in tensors.items()
    }
