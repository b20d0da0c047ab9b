"""Nodes, steps and the weight of the KL terms at p = 0.1 (Raj 2024, 5.2).

python reproductions/ti_components.py
python reproductions/ti_components.py --data=mnist --data_dir=...
python reproductions/ti_components.py --quick    (112 s on 2 cores)

Runs as in reproductions/ti_gradient_variance.py, whose folder it shares: what
was finished there is not run again. eta is the exception to its settings: it
moves no gradient unless that of the prior goes through the chains, so it has a
group of its own, and in the authors' code it moved nothing but the loss.

What --data=mnist shows (3 runs of each setting; means, changes by pairs of runs
with their standard errors; Raj 2024 in brackets, CelebA and untrained prior):

| p = 0.1 | base | N_t = 30 | K = 40 |
|---|---|---|---|
| spread, trained prior | 3.54 | 3.51 | 3.18 |
| spread, frozen [Raj 2024] | 0.46 [0.78] | 0.46 [0.62] | 0.54 [0.73] |
| KID, trained prior | 0.95 | 0.90 | 0.96 |
| KID, frozen [Raj 2024] | 1.00 [0.077] | 0.98 [0.073] | 1.04 [0.081] |

Neither mends the blurred images of p = 0.1; that more steps do not is the
thesis's claim, and holds. That more nodes improve them is not told from the
runs' own differences (KID -0.04 +- 0.03 trained, -0.019 +- 0.010 frozen), nor
is any fall of the noise; with a frozen prior 40 steps raise it (spread +0.08
+- 0.01, variance over draws 0.38 to 0.43). eta of 2 in place of 1 changes
nothing where it can (prior through the chains: spread 0.74 to 0.73, KID 1.13
and 1.13) [0.78 to 0.71, 0.077 to 0.074]. A prior trained through the chains
has a worse KID here than one by samples, 1.13 against 0.95, and than a frozen
one, 1.00. All runs that ti_gradient_variance does not leave behind take 13
minutes on 2 cores.
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
    draw(table, before, runner.data.spec.shape, runner.folder)
    tables.publish(
        table,
        runner,
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
