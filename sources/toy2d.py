"""Toys: points in the plane whose distribution is known.

`sources.load("toy2d/moons")` and the like. Most are those of Grathwohl 2019
("FFJORD"). Every one is scaled to mean 0 and standard deviation 1 of each
coordinate, exactly and not by what happened to be drawn.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy import special

import errors
from sources.data import Data
from zoo import DataSpec, arguments

_TRAIN, _EVAL = 10_000, 2_000
_PI = np.pi


class Toy(NamedTuple):
    """One distribution, before it is scaled.

    Attributes:
        components: how many it is an even mixture of.
        place: components [n], uniform numbers [n, 2] and normal numbers
            [n, 2] to points [n, 2].
        mean: of the two coordinates.
        deviation: standard deviation of the two coordinates.
        log_density: points [n, 2] to log p [n], in nats; None: it has no
            closed form.
    """

    components: int
    place: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
    mean: tuple[float, float]
    deviation: tuple[float, float]
    log_density: Callable[[np.ndarray], np.ndarray] | None = None


def _on_circle(angle: Any, radius: Any = 1.0) -> np.ndarray:
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], -1)


def _log_normal(x: Any, mean: Any, deviation: Any) -> np.ndarray:
    scaled = (x - mean) / deviation
    return -0.5 * scaled**2 - np.log(deviation * (2 * _PI) ** 0.5)


def _even_mixture(log_densities: np.ndarray) -> np.ndarray:
    """The log density [n] of components [n, k] of equal weight."""
    total = np.logaddexp.reduce(log_densities, -1)
    return total - np.log(log_densities.shape[-1])


def _moons() -> Toy:
    """Two half circles that interlock."""
    noise = 0.08

    def place(component, uniform, normal):
        arc = _on_circle(_PI * uniform[:, 0])
        lower = np.array([1.0, 0.5]) - arc
        return np.where(component[:, None], lower, arc) + noise * normal

    height = 2 / _PI - 0.25
    square = 0.5 - 4 / _PI**2 + height**2
    deviation = np.sqrt([0.75 + noise**2, square + noise**2])
    return Toy(2, place, (0.5, 0.25), tuple(deviation))


def _two_spirals() -> Toy:
    """One and a half turns, and the same turned by 180 degrees."""
    noise, length = 0.3, 3 * _PI

    def place(component, uniform, normal):
        angle = length * np.sqrt(uniform[:, 0])
        sign = (2 * component - 1)[:, None]
        return sign * _on_circle(angle, angle) + noise * normal

    squares = length**2 / 4 + np.array([0.75, -0.75])
    return Toy(2, place, (0.0, 0.0), tuple(np.sqrt(squares + noise**2)))


def _rings() -> Toy:
    """Circles around one centre."""
    noise, radii = 0.1, np.arange(1.0, 5.0)

    def place(component, uniform, normal):
        circles = _on_circle(2 * _PI * uniform[:, 0], radii[component])
        return circles + noise * normal

    def log_density(x):
        radius = np.linalg.norm(x, axis=-1)[:, None]
        # The mean of the normal density over the angle: a Bessel function.
        along = np.log(special.i0e(radius * radii / noise**2))
        across = _log_normal(radius, radii, noise)
        width = np.log(noise * (2 * _PI) ** 0.5)
        return _even_mixture(across + along - width)

    deviation = np.sqrt(np.mean(radii**2) / 2 + noise**2)
    return Toy(len(radii), place, (0.0, 0.0), (deviation,) * 2, log_density)


def _eight_normals() -> Toy:
    """A mixture of eight normals around a circle."""
    noise = 0.5
    centres = _on_circle(_PI / 4 * np.arange(8), 4.0)

    def place(component, uniform, normal):
        del uniform
        return centres[component] + noise * normal

    def log_density(x):
        each = _log_normal(x[:, None], centres, noise)
        return _even_mixture(each.sum(-1))

    deviation = np.sqrt(4.0**2 / 2 + noise**2)
    return Toy(8, place, (0.0, 0.0), (deviation,) * 2, log_density)


def _checkerboard() -> Toy:
    """Uniform on the dark squares of a board of four by four."""

    def place(component, uniform, normal):
        del normal
        column, half = component // 2, component % 2
        corner = np.stack([column, 2 * half + column % 2], -1)
        return corner - 2.0 + uniform

    def log_density(x):
        inside = np.all(np.abs(x) < 2, -1)
        dark = np.floor(x).sum(-1) % 2 == 0
        return np.where(inside & dark, -np.log(8.0), -np.inf)

    return Toy(8, place, (0.0, 0.0), ((4 / 3) ** 0.5,) * 2, log_density)


def _pinwheel() -> Toy:
    """Five normals, long and thin, turned more the farther they are out.

    Johnson 2016 has an exponential of the first coordinate; here it is one of
    the radius, which leaves areas as they are.
    """
    arms, rate, mean = 5, 0.25, np.array([1.0, 0.0])
    widths = np.array([0.3, 0.1])

    def turned(x, component, sign):
        radius = np.linalg.norm(x, axis=-1)
        arm = 2 * _PI / arms * component
        turn = sign * (arm + rate * np.exp(radius))
        one, two = x[..., 0], x[..., 1]
        return np.stack(
            [
                np.cos(turn) * one - np.sin(turn) * two,
                np.sin(turn) * one + np.cos(turn) * two,
            ],
            -1,
        )

    def place(component, uniform, normal):
        del uniform
        return turned(mean + widths * normal, component, 1)

    def log_density(x):
        straight = turned(x[:, None], np.arange(arms), -1)
        return _even_mixture(_log_normal(straight, mean, widths).sum(-1))

    deviation = np.sqrt((np.sum(mean**2) + np.sum(widths**2)) / 2)
    return Toy(arms, place, (0.0, 0.0), (deviation,) * 2, log_density)


TOYS = {
    "checkerboard": _checkerboard(),
    "eight_normals": _eight_normals(),
    "moons": _moons(),
    "pinwheel": _pinwheel(),
    "rings": _rings(),
    "two_spirals": _two_spirals(),
}


def draw(name: str, number: int, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Draws points; the first ones do not depend on how many are drawn.

    Args:
        name: a name of TOYS.
        number: how many.
        seed: whole number.

    Returns:
        points float32 [number, 2], and the component int64 [number] of each.
    """
    toy = _toy(name)
    draws = [np.random.default_rng([arguments.seed(seed), i]) for i in range(3)]
    component = draws[0].integers(0, toy.components, number)
    uniform = draws[1].random((number, 2))
    normal = draws[2].standard_normal((number, 2))
    points = toy.place(component, uniform, normal)
    scaled = (points - toy.mean) / toy.deviation
    return scaled.astype(np.float32), component


def log_density(name: str, points: Any) -> np.ndarray:
    """The exact log density of a toy, in nats.

    Args:
        name: a name of TOYS.
        points: [n, 2].

    Returns:
        float64 [n].

    Raises:
        errors.InputError: an unknown name, or a toy without a closed form.
    """
    toy = _toy(name)
    if toy.log_density is None:
        known = [key for key, one in TOYS.items() if one.log_density]
        raise errors.InputError(
            f"toy2d/{name} has no density in closed form: take one of "
            f"{', '.join(known)}"
        )
    raw = np.asarray(points, float) * toy.deviation + toy.mean
    return toy.log_density(raw) + np.sum(np.log(toy.deviation))


def load(
    name: str,
    *,
    image_size: int | None,
    train_examples: int | None,
    eval_examples: int | None,
) -> Data:
    """Loads a toy by its name, as "toy2d/moons"; see `sources.load`."""
    _, _, toy = name.partition("/")
    _toy(toy)
    if image_size is not None:
        raise errors.InputError(
            f"data.image_size={image_size!r} is for images: leave it out for "
            f"{name}"
        )
    numbers = {
        "train_examples": _TRAIN if train_examples is None else train_examples,
        "eval_examples": _EVAL if eval_examples is None else eval_examples,
    }
    train, held = (
        arguments.positive_int(f"data.{key}", number)
        for key, number in numbers.items()
    )
    sizes = (train, held, held)
    parts = [draw(toy, number, seed) for seed, number in enumerate(sizes)]
    points, labels = zip(*parts, strict=True)
    return Data(name, DataSpec("points", (2,), train), *points, *labels)


def _toy(name: str) -> Toy:
    if name not in TOYS:
        raise errors.InputError(
            f"data.name={f'toy2d/{name}'.rstrip('/')!r} is unknown: "
            f"{errors.nearest(name, TOYS)}"
        )
    return TOYS[name]
