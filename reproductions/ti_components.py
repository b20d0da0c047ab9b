"""Nodes, steps and the weight of the KL terms at p = 0.1 (Raj 2024, 5.2).

python reproductions/ti_components.py
python reproductions/ti_components.py --data=mnist --data_dir=...
python reproductions/ti_components.py --quick

Runs as in reproductions/ti_gradient_variance.py, whose folder it shares: what
was finished there is not run again. eta is the exception to its settings: it
moves no gradient unless that of the prior goes through the chains, so it has a
group of its own, and in the authors' code it moved nothing but the loss.

What --data=mnist shows (2 runs of each setting, the first two of three):
30 nodes or 40 steps in place of 10 and 20 leave the images as they were. KID
is 0.94 with a trained prior at p = 0.1, 0.89 with 30 nodes, 0.94 with 40
steps, and 1.00, 0.99, 1.05 with a frozen one, where runs differ by 0.05 to
0.17. So neither mends the collapse at p = 0.1, as in the thesis. Nor does the
noise fall as there: with a frozen prior 30 nodes take 2 % off the variance over
draws and 40 steps raise the spread from 0.45 to 0.53; with a trained one no
change is told from the runs' own. eta was seen in short runs alone (--quick),
where 2 in place of 1 changes nothing.
"""

import os
import pathlib
import sys
from typing import Any

from absl import flags

ROOT = pathlib.Path(__file__).resolve().parents[1]

BASE = "p = 0.1"
CHANGES = {BASE: {}, "N_t = 30": {"num": 30}, "K = 40": {"steps": 40}}
WEIGHTS = (1.0, 2.0)
CHAIN = "TI, prior through the chains"


def settings() -> dict:
    """Of the whole experiment, by group and label.

    eta moves no gradient but that of the prior through the chains.
    """
    from reproductions import ti_tables as tables
    from reproductions.ti_settings import Setting

    found: dict = {}
    for label, change in CHANGES.items():
        for group in (tables.TRAINED, tables.FROZEN):
            found[group, label] = Setting(
                p=0.1, frozen=group == tables.FROZEN, **change
            )
    for weight in WEIGHTS:
        found[CHAIN, f"eta = {weight:g}"] = Setting(
            p=0.1, kl_weight=weight, prior_gradient="chain"
        )
    return found


def claims(table: Any) -> list[str]:
    """What the thesis's Table 3 says, and what is seen of it."""
    from reproductions import ti_tables as tables

    pairs = [
        (group, BASE, label)
        for group in (tables.TRAINED, tables.FROZEN)
        for label in CHANGES
        if label != BASE
    ]
    first, second = (f"eta = {weight:g}" for weight in WEIGHTS)
    pairs.append((CHAIN, first, second))
    out = []
    for group, base, label in pairs:
        for column in ("generator_spread", "generator_variance", "kid"):
            one, other = (
                tables.values(table, (group, name), column)
                for name in (base, label)
            )
            # Runs of one repetition start from the same weights and batches.
            change = other - one
            error = change.std(ddof=1) / len(change) ** 0.5
            falls = change.mean() < -2 * error
            rises = change.mean() > 2 * error
            # The thesis: more steps make no better images.
            if column == "kid" and label == "K = 40":
                claim, seen = "does not fall", falls
            else:
                claim, seen = "falls", rises
                if not falls | rises:
                    claim, seen = "falls (within 2 errors of no change)", True
            out.append(
                tables.verdict(
                    f"{group}, {label}: {column.replace('_', ' ')} {claim}",
                    f"{one.mean():.3g} to {other.mean():.3g}, change "
                    f"{change.mean():.2g} +- {error:.1g}",
                    not seen,
                )
            )
    return out


def draw(
    table: Any, before: Any, shape: tuple[int, ...], folder: pathlib.Path
) -> None:
    """Figs. 12 and 13.

    Args:
        table: of this experiment.
        before: of the first experiment, as far as it was run.
        shape: of an image.
        folder: of the pictures.
    """
    from reproductions import pictures
    from reproductions import ti_tables as tables

    def points(table: Any, *groups: str) -> Any:
        return tables.points(table, groups, "generator_spread", "kid")

    ours = points(table, tables.TRAINED, tables.FROZEN, CHAIN)
    for group in (tables.VANILLA, tables.TRAINED, tables.FROZEN):
        if any(group == name for name, _ in before):
            name = group if group not in ours else f"{group}, against p"
            ours[name] = points(before, group)[group]
    # Their prior is never trained, whatever eta is.
    theirs: dict = {tables.FROZEN: {}}
    for found in tables.authors_points(table, (tables.FROZEN, CHAIN)).values():
        theirs[tables.FROZEN].update(found)
    label = "spread of the generator's gradient"
    pictures.trade_offs(
        [
            ("ours", label, "KID", ours),
            ("Raj 2024, CelebA", "spread of the gradient", "KID", theirs),
        ],
        folder / "components.png",
    )
    pictures.samples(
        tables.images(table, shape), folder / "components_samples.png"
    )


def main(argv: list[str]) -> None:
    """Runs what the flags ask for."""
    from reproductions import ti_gradient_variance, ti_runs
    from reproductions import ti_tables as tables

    runner = ti_runs.from_flags(argv, flags.FLAGS)
    table = runner.table(settings())
    before = runner.kept_table(ti_gradient_variance.settings())
    draw(table, before, runner.splits.image_shape, runner.folder)
    tables.publish(
        table,
        runner.plan,
        runner.folder / "components.json",
        "the generator learns from all temperatures by the trapezoid (the "
        "thesis's); eta moves the prior alone, and only where its gradient "
        f"goes through the chains ({CHAIN!r})",
        claims(table),
    )


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # A script's own folder is on the path, not the repository's root.
    sys.path.insert(0, str(ROOT))
    import errors
    from reproductions import ti_tables

    ti_tables.define_flags()
    errors.run(main)
