"""Gradient noise against batch size and temperature ladder (Raj 2024, 5.1).

python reproductions/ti_gradient_variance.py
python reproductions/ti_gradient_variance.py --data=mnist --data_dir=...
python reproductions/ti_gradient_variance.py --quick    (129 s on 2 cores)

Each run trains, as many epochs whatever the batch; at the weights it ends with
40 gradients are drawn, with other batches and chains. "Spread" is the thesis's
measure, the variance over the entries of one gradient; "variance" is that over
the draws. The generator learns from all temperatures by the trapezoid, which
is the thesis's and not the gradient of log p(x). The authors' code leaves the
prior of TI untrained, so that each run is made with a trained and with a
frozen prior. Their KIDs are of other features and another kernel: only the
order compares.

What --data=mnist shows (12,000 images, 2 epochs, 3 runs of each setting, a
dense generator 16-32-784, KID of 2,000 images; 9 minutes on 2 cores).
The runs are short: 320 steps of 75 images, at 30 times the thesis's rates, so
they say little of what 8,000 steps end in.

- (a) Holds: spread 2.79, 2.23, 1.86, 1.33 from batch 25 to 150, and the
  variance over draws, 2.42, 1.65, 1.21, 0.64. KID rises with the batch as in
  the thesis, 0.13 to 0.72: a larger batch has fewer steps.
- (b) Does not hold: with a frozen prior the spread is largest at p = 3, 0.61,
  and falls both ways to 0.46 and 0.49; with a trained one it falls from 3.5 to
  1.8 as p grows, and so does that of the prior's own gradient.
- (c) Holds in shape for a frozen prior: KID 1.00, 0.88, 0.39, 0.23, 0.24, 0.27
  for p = 0.1 to 10, least at 3 or 6 (errors 0.01 to 0.03) and up at 10. With a
  trained prior it falls to the end, 0.95 to 0.51. The blurred images of small p
  come with either prior, so that the untrained one is not their cause; a
  likely one is the trapezoid, whose node t = 0 has the generator draw the
  images from codes of the prior (weight 0.4 at p = 0.1).
- (d) Does not hold with a trained prior: CV of the spread 4 to 34 % against
  vanilla's 3 to 11 %. With a frozen one it does on average, 2 to 7 %.
- (e) With both priors trained, TI is below the vanilla model of batch 75 (KID
  0.69 +- 0.05) from p = 3 on, by 0.13 to 0.19 (+- 0.05 to 0.06), level with it
  at p = 1 and above it at p < 1. With both frozen there is nothing to gain: the
  vanilla model has 0.216 +- 0.011, TI 0.227 and 0.236 at p = 3 and 6, and more
  elsewhere. So what sets TI of a frozen prior far below the vanilla model,
  0.23 against 0.69, is the freezing and not the temperatures.
- Our default, the gradient at t = 1 alone, is the vanilla model again, KID 0.73
  against 0.69 (errors 0.07 and 0.05): there is nothing else it could learn.

Why is the KID of a trained prior worse? More runs of the vanilla model, batch
75, seeds 0 and 1, say that the prior is half-way. Codes of images have a mean
square of 4.1 to 4.7, those of a frozen prior 1.1. After 320 steps a trained one
has found their mean (its square is 1.36 of 1.44, seed 0) but not how they
spread about it (1.3 of 3.2); images of the codes themselves have a KID of 0.07.
  KID by rate, 320 steps, in units of the thesis's 2e-5: 0.21, 0.24 frozen;
0.21, 0.24 at 0.3 and at 1, where the prior has hardly moved; 0.19, 0.22 at 3;
0.34, 0.37 at 10; 0.68, 0.78 at 30.
  KID by steps, at 30 times and frozen: 0.68, 0.78 against 0.21, 0.24 after 320;
0.24, 0.19 against 0.16, 0.18 after 640; 0.12, 0.15 against 0.33, 0.36 after
1,280; 0.18 against 0.91 after 2,560 (seed 0). So the trained prior is the
better one from 1,280 on. A slow one is late: 3 times the rate gives 0.53 after
1,280 (seed 0).
  Chains too short are not the cause: 1,000 steps of MALA by the same energies
give worse images than the 60 that they were trained by (0.83, 0.98 after 320).
  And KID by these features does not see the background: that of a frozen prior
is grey noise (0.16 at the border of an image; 0.002 trained, 0.003 real), so
that FID of 7 x 7 mean pixels has it the other way round, 1.70, 1.77 frozen
against 0.36, 0.37 trained after 320 steps, 0.37 against 0.09 after 1,280 (seed
1).
"""

import os
import pathlib
import sys
from typing import Any

from absl import flags

ROOT = pathlib.Path(__file__).resolve().parents[1]

BATCHES = (25, 50, 75, 150)
POWERS = (0.1, 0.3, 1.0, 3.0, 6.0, 10.0)
# The batch of every model with thermodynamic integration.
BATCH = 75


def settings() -> dict:
    """Of the whole experiment, by group and label."""
    from reproductions import ti_tables as tables
    from reproductions.ti_settings import Setting

    found: dict = {
        (tables.VANILLA, f"batch {size}"): Setting("mle", size)
        for size in BATCHES
    }
    for p in POWERS:
        for group in (tables.TRAINED, tables.FROZEN):
            found[group, f"p = {p:g}"] = Setting(
                p=p, frozen=group == tables.FROZEN
            )
    # Tells what the training of the prior does without the temperatures.
    found[tables.CONTROL, f"batch {BATCH}"] = Setting("mle", BATCH, frozen=True)
    found[tables.DEFAULT, "p = 3"] = Setting(
        p=3.0, generator_gradient="posterior"
    )
    return found


def trends(table: Any) -> list[str]:
    """Trends (a) to (e) of the authors' logs, and what is seen of them."""
    from reproductions import ti_tables as tables

    labels = [f"p = {p:g}" for p in POWERS]
    batches = [f"batch {size}" for size in BATCHES]
    middle = POWERS.index(1.0)

    def means(group: str, of: list[str], column: str) -> list[float]:
        return [tables.mean(table, (group, label), column) for label in of]

    out = []
    for column in ("generator_spread", "generator_variance"):
        numbers = means(tables.VANILLA, batches, column)
        out.append(
            tables.verdict(
                f"(a) vanilla, {column.replace('_', ' ')} falls with the batch",
                tables.shown(numbers),
                tables.falls(numbers),
            )
        )
    for group in (tables.TRAINED, tables.FROZEN):
        for column in ("generator_spread", "generator_variance"):
            numbers = means(group, labels, column)
            out.append(
                tables.verdict(
                    f"(b) {group}, {column.replace('_', ' ')} is least at "
                    "p = 1 and rises both ways",
                    tables.shown(numbers),
                    tables.falls(numbers[: middle + 1])
                    and tables.falls(numbers[middle:][::-1]),
                )
            )
        numbers = means(group, labels, "kid")
        out.append(
            tables.verdict(
                f"(c) {group}, KID falls from p = 0.1 to 6 and rises at 10",
                tables.shown(numbers),
                tables.falls(numbers[:-1]) and numbers[-1] > numbers[-2],
            )
        )
        ours, theirs = (
            [
                tables.variation(table, (name, label), "generator_spread")
                for label in of
            ]
            for name, of in ((group, labels), (tables.VANILLA, batches))
        )
        out.append(
            tables.verdict(
                f"(d) {group}, the generator's spread repeats better than "
                "vanilla's, CV in %",
                f"{tables.shown(ours)} against {tables.shown(theirs)}",
                sum(ours) / len(ours) < sum(theirs) / len(theirs),
            )
        )
    return [*out, *_gaps(table, labels)]


def _gaps(table: Any, labels: list[str]) -> list[str]:
    """Trend (e): KID less that of the vanilla model, at one batch size."""
    from reproductions import ti_tables as tables

    out = []
    for group, other_group in (
        (tables.FROZEN, tables.VANILLA),
        (tables.FROZEN, tables.CONTROL),
        (tables.TRAINED, tables.VANILLA),
    ):
        vanilla = (other_group, f"batch {BATCH}")
        gaps, errors = [], []
        for label in labels:
            keys = ((group, label), vanilla)
            one, other = (tables.mean(table, key, "kid") for key in keys)
            gaps.append(one - other)
            errors.append(
                sum(
                    tables.standard_error(table, key, "kid") ** 2
                    for key in keys
                )
                ** 0.5
            )
        open_ = [
            label
            for label, gap, error in zip(labels, gaps, errors, strict=True)
            if gap > 2 * error
        ]
        out.append(
            tables.verdict(
                f"(e) {group}, KID is not above that of {other_group!r} by "
                "more than 2 standard errors at any p",
                f"{tables.shown(gaps)} +- {tables.shown(errors)}"
                + (f"; above at {', '.join(open_)}" if open_ else ""),
                not open_,
            )
        )
    return out


def draw(table: Any, shape: tuple[int, ...], folder: pathlib.Path) -> None:
    """Figs. 8 to 11, and samples."""
    from reproductions import pictures
    from reproductions import ti_tables as tables

    groups = (tables.VANILLA, tables.TRAINED, tables.FROZEN)
    theirs = {k: v[0] for k, v in tables.AUTHORS.items()}
    panels = []
    for network in ("generator", "prior"):
        for measure in ("spread", "variance"):
            line = []
            for group in groups:
                found = tables.measures(table, group, f"{network}_{measure}")
                # The axis says what the numbers are.
                short = {k.split()[-1]: v for k, v in found.items()}
                beside = {k.split()[-1]: theirs[k] for k in found}
                first = (network, measure) == ("generator", "spread")
                title = f"{group}\n{measure} of the {network}'s gradient"
                line.append(
                    (
                        title + (" (red: Raj 2024)" if first else ""),
                        "batch size" if group == tables.VANILLA else "p",
                        short,
                        beside if first else {},
                    )
                )
            panels.append(line)
    pictures.boxes(panels, folder / "gradients.png")
    pictures.trade_offs(
        [
            (
                "ours",
                f"{measure} of the generator's gradient",
                title,
                _regimes(
                    tables.points(table, groups, f"generator_{measure}", key)
                ),
            )
            for measure, key, title in (
                ("spread", "kid", "KID"),
                ("variance", "kid", "KID"),
                ("spread", "fid_infinity", "FID, extrapolated"),
            )
        ]
        + [
            (
                "Raj 2024, CelebA",
                "spread of the gradient",
                "KID",
                _regimes(
                    tables.authors_points(
                        table, (tables.VANILLA, tables.FROZEN)
                    )
                ),
            )
        ],
        folder / "fidelity.png",
    )
    pictures.samples(tables.images(table, shape), folder / "samples.png")


def _regimes(groups: Any) -> Any:
    """Groups over p in two, below and above p = 1, as the thesis fits them."""
    out = {}
    for group, found in groups.items():
        powers = {k: k.removeprefix("p = ") for k in found}
        if powers == {k: k for k in found}:
            out[group] = found
            continue
        for sign, keep in (("<=", lambda p: p <= 1), (">=", lambda p: p >= 1)):
            out[f"{group}, p {sign} 1"] = {
                powers[k]: v for k, v in found.items() if keep(float(powers[k]))
            }
    return out


def main(argv: list[str]) -> None:
    """Runs what the flags ask for."""
    from reproductions import ti_runs
    from reproductions import ti_tables as tables

    runner = ti_runs.from_flags(argv, flags.FLAGS)
    table = runner.table(settings())
    draw(table, runner.data.spec.shape, runner.folder)
    tables.publish(
        table,
        runner,
        runner.folder / "gradient_variance.json",
        "the generator learns from all temperatures by the trapezoid (the "
        f"thesis's), under {tables.DEFAULT!r} from t = 1 alone",
        trends(table),
    )


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # A script's own folder is on the path, not the repository's root.
    sys.path.insert(0, str(ROOT))
    import errors
    from reproductions import ti_tables

    ti_tables.define_flags()
    errors.run(main)
