"""The pictures of Aliahmadi 2026 (Figs. 2, 3) and Raj 2024 (Figs. 8 to 13)."""

import pathlib
from typing import Any

import numpy as np
import tensorflow as tf
from matplotlib import figure
from matplotlib.backends import backend_agg

from evaluators.pictures import grid
from reproductions import codes as latent

PAIRS = ((3, 5), (4, 9), (1, 7))
_STEPS = 10


def interpolations(
    models: dict[str, Any],
    codes: dict[str, np.ndarray],
    images: np.ndarray,
    labels: np.ndarray,
    path: pathlib.Path,
) -> None:
    """Fig. 2a: class means joined by a line, of the data and of each model.

    Args:
        models: by name.
        codes: [n, latent] of the test images, by name.
        images: [n, H, W, C], the test images.
        labels: [n].
        path: of the PNG: for each pair of digits a row of the data's means,
            then a row a model.
    """
    alpha = np.linspace(0, 1, _STEPS, dtype=np.float32)

    def line(ends: np.ndarray, pair: tuple[int, int]) -> np.ndarray:
        first, second = ends[pair[0]], ends[pair[1]]
        weight = alpha.reshape(-1, *[1] * first.ndim)
        return (1 - weight) * first + weight * second

    pixels = latent.class_means(images, labels)
    means = {k: latent.class_means(v, labels) for k, v in codes.items()}
    figure_ = _figure(_STEPS * 0.62 + 1, len(PAIRS) * 3.0)
    for index, pair in enumerate(PAIRS):
        rows = [("test data", line(pixels, pair))]
        for name, model in models.items():
            decoded = model.decode(tf.constant(line(means[name], pair)))
            rows.append((name.upper(), decoded.numpy()))
        axes = figure_.add_subplot(len(PAIRS), 1, index + 1)
        _rows(axes, rows)
        axes.set_title(f"{pair[0]} to {pair[1]}", fontsize=9)
    _save(figure_, path)


def distributions(
    codes: dict[str, np.ndarray],
    used: dict[str, np.ndarray],
    labels: np.ndarray,
    path: pathlib.Path,
) -> None:
    """Fig. 2b: three active latents of each model, by digit.

    Args:
        codes: [n, latent] by model.
        used: indices of the latents to choose from, by model.
        labels: [n].
        path: of the PNG; V is the variance of the latent.
    """
    figure_ = _figure(9, 2.2 * len(codes))
    axes: Any = figure_.subplots(len(codes), 3, squeeze=False)
    for row, (name, values) in enumerate(codes.items()):
        pool = used[name] if len(used[name]) >= 3 else np.arange(3)
        chosen = np.random.default_rng(0).choice(pool, 3, replace=False)
        for axis, index in zip(axes[row], np.sort(chosen), strict=True):
            column = values[:, index]
            low, high = np.quantile(column, [0.001, 0.999])
            edges = np.linspace(low, high, 30)
            for digit in np.unique(labels):
                height, _ = np.histogram(
                    column[labels == digit], edges, density=True
                )
                axis.plot(
                    (edges[1:] + edges[:-1]) / 2,
                    height,
                    lw=0.9,
                    color=f"C{digit}",
                    label=str(digit),
                )
            axis.set_yticks([])
            axis.set_title(
                f"{name.upper()}, latent {index}, V = {column.var():.3g}",
                fontsize=8,
            )
    axes[0][-1].legend(fontsize=6, ncol=2)
    _save(figure_, path)


def scan(rows: list[dict[str, Any]], path: pathlib.Path) -> None:
    """Error, kinetic temperature and codes against the temperature.

    Args:
        rows: of temperature_scan.table, those with a temperature.
        path: of the PNG.
    """
    panels = (
        ("mse", "test MSE", True),
        ("kinetic_ratio", "kinetic temperature / T", True),
        ("member_share", "share of the codes' variance\nover members", False),
        ("knn_accuracy", "5-NN accuracy on codes", False),
    )
    figure_ = _figure(3.2 * len(panels), 3)
    axes: Any = figure_.subplots(1, len(panels))
    for axis, (key, label, log) in zip(axes, panels, strict=True):
        known = [r for r in rows if r.get(key) is not None]
        axis.plot(
            [r["temperature"] for r in known], [r[key] for r in known], "o-"
        )
        axis.set_xscale("log")
        if log:
            axis.set_yscale("log")
        axis.set_xlabel("temperature T")
        axis.set_title(label, fontsize=9)
    _save(figure_, path)


def portraits(
    images: dict[str, np.ndarray], labels: np.ndarray, path: pathlib.Path
) -> None:
    """Figs. 3b and 3c: two images of each class, a row a name.

    Args:
        images: [n, H, W, C] by name, those of one place belong together.
        labels: [n].
        path: of the PNG.
    """
    chosen = np.concatenate(
        [np.flatnonzero(labels == k)[:2] for k in np.unique(labels)]
    )
    figure_ = _figure(len(chosen) * 0.55 + 1.5, len(images) * 0.62)
    _rows(figure_.add_subplot(), [(k, v[chosen]) for k, v in images.items()])
    _save(figure_, path)


def losses(
    curves: dict[str, list[float]],
    members: dict[str, np.ndarray],
    path: pathlib.Path,
) -> None:
    """Fig. 3a: the loss while training, and its distribution over members.

    Args:
        curves: the loss by decoder update, by name; the second goes on where
            the first ends, the others start at the beginning.
        members: [members] by name, the loss of each.
        path: of the PNG.
    """
    figure_ = _figure(4 + 3 * len(members), 3)
    axes: Any = figure_.subplots(1, 1 + len(members))
    first = len(next(iter(curves.values())))
    for index, (name, values) in enumerate(curves.items()):
        start = first if index == 1 else 0
        axes[0].plot(start + 1 + np.arange(len(values)), values, label=name)
    axes[0].set_yscale("log")
    axes[0].set_xlabel("decoder update")
    axes[0].set_title("training loss", fontsize=9)
    axes[0].legend(fontsize=7)
    for index, (name, values) in enumerate(members.items()):
        axes[index + 1].hist(values, 15, color=f"C{index}")
        axes[index + 1].set_xlabel("test loss of an encoder")
        axes[index + 1].locator_params(axis="x", nbins=4)
        axes[index + 1].set_title(
            f"{name}\nmean {values.mean():.5f}, spread "
            f"{values.std(ddof=1):.1e}",
            fontsize=9,
        )
    _save(figure_, path)


def boxes(
    panels: list[list[tuple[str, str, dict[str, Any], dict[str, float]]]],
    path: pathlib.Path,
) -> None:
    """Figs. 8 and 9: a box for the repetitions of each setting.

    Args:
        panels: rows of (title, label of the x axis, values by setting, the
            authors' means by setting, drawn on an axis of their own).
        path: of the PNG.
    """
    figure_ = _figure(3.4 * len(panels[0]), 2.4 * len(panels))
    axes: Any = figure_.subplots(len(panels), len(panels[0]), squeeze=False)
    for row, line in zip(axes, panels, strict=True):
        for axis, (title, label, values, theirs) in zip(row, line, strict=True):
            axis.boxplot(list(values.values()), tick_labels=list(values))
            axis.set_ylim(0.0, 1.1 * max(map(np.max, values.values())))
            axis.set_title(title, fontsize=9)
            axis.set_xlabel(label, fontsize=8)
            axis.tick_params(labelsize=7)
            places = [i + 1 for i, key in enumerate(values) if key in theirs]
            if places:
                other = axis.twinx()
                other.plot(
                    places,
                    [theirs[key] for key in values if key in theirs],
                    "D:",
                    color="C3",
                    markersize=4,
                )
                other.set_ylim(bottom=0.0)
                other.tick_params(labelsize=7, labelcolor="C3")
    _save(figure_, path)


def trade_offs(
    panels: list[tuple[str, str, str, dict[str, dict[str, tuple[Any, Any]]]]],
    path: pathlib.Path,
) -> None:
    """Figs. 10 to 12: image fidelity against a measure of gradients.

    Args:
        panels: two to a row, of (title, label of x, label of y, by group and
            setting the repetitions' measures of gradients and of images, or
            two means). A group of four or more settings gets a parabola, as
            in the thesis; a group has one colour in all panels.
        path: of the PNG.
    """
    rows = -(-len(panels) // 2)
    figure_ = _figure(11, 4 * rows)
    axes: Any = figure_.subplots(rows, 2, squeeze=False).ravel()
    colours: dict[str, str] = {}
    for axis, (title, x_label, y_label, groups) in zip(
        axes, panels, strict=False
    ):
        for group, points in groups.items():
            colour = colours.setdefault(group, f"C{len(colours)}")
            _points(axis, group, points, {"color": colour})
        axis.set_xlabel(x_label)
        axis.set_ylabel(y_label)
        axis.set_title(title, fontsize=9)
        axis.legend(fontsize=7)
    for axis in axes[len(panels) :]:
        axis.remove()
    _save(figure_, path)


def _points(
    axis: Any, group: str, points: dict[str, tuple[Any, Any]], style: Any
) -> None:
    """Means with standard deviations, their names, and a parabola."""
    x, y = (
        np.array([np.mean(point[i]) for point in points.values()])
        for i in (0, 1)
    )
    width, height = (
        [np.std(point[i]) for point in points.values()] for i in (0, 1)
    )
    options = {"capsize": 2, "markersize": 4, "label": group, **style}
    axis.errorbar(x, y, height, width, fmt="o", **options)
    for name, *place in zip(points, x, y, strict=True):
        axis.annotate(
            name,
            place,
            (3, 3),
            textcoords="offset points",
            fontsize=6,
            **style,
        )
    if len(x) > 3:
        fine = np.linspace(x.min(), x.max(), 50)
        fitted = np.polyval(np.polyfit(x, y, 2), fine)
        axis.plot(fine, fitted, "--", lw=0.8, **style)


def samples(images: dict[str, np.ndarray], path: pathlib.Path) -> None:
    """Fig. 13: generated images, a row a setting.

    Args:
        images: [n, H, W, C] in [0, 1] by name, n the same for all.
        path: of the PNG.
    """
    number = len(next(iter(images.values())))
    figure_ = _figure(0.55 * number + 3.5, 0.58 * len(images))
    _rows(figure_.add_subplot(), list(images.items()))
    _save(figure_, path)


def _rows(axes: Any, rows: list[tuple[str, np.ndarray]]) -> None:
    """Draws rows of equally many images, each with its name."""
    stacked = np.concatenate([row for _, row in rows])
    tiled = grid(stacked, len(rows[0][1]))
    axes.imshow(tiled.squeeze(), cmap="gray", vmin=0, vmax=255)
    # The room that the images leave is the names'.
    axes.set_anchor("E")
    height = tiled.shape[0] / len(rows)
    axes.set_yticks(
        [(i + 0.5) * height for i in range(len(rows))],
        [name for name, _ in rows],
    )
    axes.set_xticks([])


def _figure(width: float, height: float) -> figure.Figure:
    """A figure of its own: pyplot would keep it alive."""
    return figure.Figure((width, height), dpi=110, layout="constrained")


def _save(figure_: figure.Figure, path: pathlib.Path) -> None:
    backend_agg.FigureCanvasAgg(figure_)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure_.savefig(path)
