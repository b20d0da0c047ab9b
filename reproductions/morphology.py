"""Temperature and morphology of reconstructions (Aliahmadi 2026, section 4.3).

    python reproductions/morphology.py --data_dir=... --output=runs/morphology
    python reproductions/morphology.py --quick --data_dir=...

The paper trains two entropic autoencoders on CelebA, each at a temperature of
its own: the hot one shows one generic face, the cold one individuals, and the
losses of the hot encoders spread more. Here, on MNIST, one network with one
set of initial weights is trained hot and then goes on cold; and it is trained
at the cold temperature alone, which tells the effect of heat from that of a
short training.

The temperatures: the paper's belong to another network. In runs as long as
those of the scan of eae_table1.py (60 updates of 150 encoder steps), the
reconstructions' spread between and within the digits, over the data's, was

    T         1e-8  2e-8  3e-8  5e-8  1e-7
    between   1.01  1.06  0.89  0.31  0.16
    within    0.78  0.59  0.27  0.09  0.07

so 3e-8 is where individuals are lost and the digits are not; the cold one is
Table 1's. `--hot` takes another.

Seen (seed 0, 2,000 test images; 280 s of processor time, 9 minutes on 2 cores
that were busy; --quick: 112 s and 4 minutes):

                              hot   hot, then cold   cold, as short   cold alone
    MSE                    0.0406           0.0118           0.0202       0.0064
    spread between digits   0.931            1.016            0.944        0.976
    spread within a digit   0.280            0.789            0.641        0.889
    read right              0.758            0.965            0.952        0.983
    a member's loss        0.0480           0.0128           0.0210       0.0072
      its spread          0.00073          0.00014          0.00023      0.00007

- Holds: the hot reconstructions are generic, one shape a digit; cooled, they
  become individuals, while the spread between digits hardly changes. Heat
  does it, not youth. The losses spread 5 times as much over the hot encoders
  (3 times about their trend in time).
- One shape a digit, though, not one for all: that is 5e-8, which the network
  does not survive: cooled by 40 updates at 2e-8 and 80 at 3e-9, its error was
  0.039.
- Does not follow: that cold detail builds on the generic start. The network
  that was never hot has half the error after as many updates. Heat leaves
  large weights behind (rms 0.34 against 0.10): nothing confines them.
- The hot ensemble is not at rest (split R-hat 1.6, 4 effective members of
  60), so its spread is partly drift. With 312 encoder steps to an update, the
  hot loss falls to 0.058 and rises to 0.063 again within 30 updates.
- --quick has the same order, with spreads within a digit of 0.24 (hot), 0.72
  (then cold), 0.46 (cold, as short) and 0.84 (cold alone).
"""

import os
import pathlib
import sys
import time
from typing import Any

from absl import flags

ROOT = pathlib.Path(__file__).resolve().parents[1]

# Rows of the table: key, title, format.
ROWS = (
    ("updates", "decoder updates", ".0f"),
    ("mse", "MSE of the decoded mean code", ".4f"),
    ("explained", "  share of the data's variance explained", ".3f"),
    ("between", "spread between digits / the data's", ".3f"),
    ("within", "spread within a digit / the data's", ".3f"),
    ("image_share", "variance over images, not members", ".3f"),
    ("judged", "reconstructions read right", ".3f"),
    ("knn_accuracy", "5-NN accuracy on the codes", ".3f"),
    ("loss", "loss of a member: mean", ".5f"),
    ("loss_error", "  standard error of the mean", ".5f"),
    ("loss_spread", "  spread over members", ".5f"),
    ("loss_thermal", "    about their trend in time", ".5f"),
    ("loss_size", "  effective number of members", ".1f"),
    ("r_hat", "  split R-hat", ".2f"),
    ("kinetic_ratio", "kinetic temperature / T", ".2f"),
    ("weight_rms", "rms of the encoder's weights", ".3f"),
    ("seconds", "seconds of training", ".0f"),
)
HOT, AFTER = "hot", "hot, then cold"
YOUNG, ALONE = "cold, as short", "cold alone"


def define_flags() -> None:
    """Defines the flags; here, so that importing this module defines none."""
    flags.DEFINE_bool("quick", False, "Less than half of the encoder steps.")
    flags.DEFINE_float("hot", 3e-8, "The hot stage's temperature.")
    flags.DEFINE_string("data_dir", None, "Folder of prepared TFDS sets.")
    flags.DEFINE_bool("download", False, "Fetch MNIST where it is missing.")
    flags.DEFINE_string("output", "runs/morphology", "Folder of the results.")


def lines(table: dict[str, dict[str, float]]) -> list[str]:
    """The table as text, one column a stage."""
    out = [" " * 42 + "".join(name.rjust(16) for name in table)]
    for key, title, form in ROWS:
        cells = [format(row[key], form).rjust(16) for row in table.values()]
        out.append(title.ljust(42) + "".join(cells))
    return out


def claims(table: dict[str, dict[str, float]]) -> list[str]:
    """The paper's claims of section 4.3, and what the numbers say of them."""
    hot, after, young = (table[name] for name in (HOT, AFTER, YOUNG))
    ratio, thermal = (
        hot[key] / after[key] for key in ("loss_spread", "loss_thermal")
    )
    verdicts = (
        (
            "hot, reconstructions are generic: less than half of the data's "
            "spread within a digit, and cold more than half",
            f"{hot['within']:.2f} and {after['within']:.2f}",
            hot["within"] < 0.5 < after["within"],
        ),
        (
            "the heat makes them so, not the short training: a network "
            "trained cold for as long spreads more",
            f"{young['within']:.2f} against {hot['within']:.2f}",
            hot["within"] < young["within"],
        ),
        (
            "hot, they have the structure of the whole set: more of the "
            "data's spread between digits than within",
            f"{hot['between']:.2f} against {hot['within']:.2f}",
            hot["between"] > hot["within"],
        ),
        (
            "the losses of the hot encoders spread more than the cold ones'",
            f"{ratio:.1f} times; {thermal:.1f} times about their trends",
            min(ratio, thermal) > 1,
        ),
        (
            "cold, individuals appear and the common structure stays: the "
            "error falls and more digits are read right",
            f"MSE {hot['mse']:.4f} to {after['mse']:.4f}, read right "
            f"{hot['judged']:.3f} to {after['judged']:.3f}",
            after["mse"] < hot["mse"] and after["judged"] > hot["judged"],
        ),
    )
    return [
        f"- {claim}: {seen}: {'holds' if holds else 'does not hold'}"
        for claim, seen, holds in verdicts
    ]


def compare(data: Any, critic: Any, plan: Any) -> tuple[dict, dict, dict]:
    """Trains hot and then cold, and cold alone, from the same weights.

    Args:
        data: images, with labels.
        critic: of metrics.classifier.
        plan: of reproductions.morphology_runs.

    Returns:
        What was seen (Sight), by stage; rows of numbers, by stage; the losses
        of all decoder updates, by HOT, AFTER and ALONE.
    """
    from reproductions import morphology_runs as runs

    seen: dict[str, Any] = {}
    table: dict[str, dict] = {}
    curves: dict[str, list[float]] = {}

    def stage(name: str, model: Any, first: int, updates: int) -> Any:
        start = time.monotonic()
        curves[name] = runs.train(model, plan, data.train, updates, first, name)
        seconds = time.monotonic() - start
        seen[name] = runs.look(model, critic, data, plan)
        table[name] = {
            "updates": first + updates,
            **seen[name].numbers,
            "seconds": seconds,
        }
        return model

    short, long = plan.hot_updates, plan.cold_updates
    hot = stage(HOT, runs.build(plan, data.spec, plan.hot), 0, short)
    cold = runs.build(plan, data.spec, plan.cold)
    # The networks go on; velocities, thermostats and Adam begin afresh.
    cold.encoder.set_weights(hot.encoder.get_weights())
    cold.decoder.set_weights(hot.decoder.get_weights())
    stage(AFTER, cold, short, long)
    alone = stage(YOUNG, runs.build(plan, data.spec, plan.cold), 0, short)
    stage(ALONE, alone, short, long)
    curves[ALONE] = curves.pop(YOUNG) + curves[ALONE]
    return seen, table, curves


def main(argv: list[str]) -> None:
    """Runs what the flags ask for."""
    from training import command_line

    values = command_line.alone(argv)
    import numpy as np

    import sources
    from metrics import classifier
    from reproductions import morphology_runs as runs
    from reproductions import outputs, pictures
    from training import storage

    plan = runs.QUICK if values.quick else runs.Plan()
    plan = plan._replace(hot=values.hot)
    output = outputs.folder(values.output, "quick" if values.quick else "full")
    data = sources.load(
        "mnist", data_dir=values.data_dir, download=values.download
    )
    print(f"a judge learns digits from {plan.judged_on} images", flush=True)
    critic = classifier.load(
        output / "judge.weights.h5",
        data.train[: plan.judged_on],
        data.train_labels[: plan.judged_on],
        epochs=3,
    )
    images = data.test[: plan.images] / np.float32(255)
    labels = data.test_labels[: plan.images]
    reads = classifier.accuracy(critic, images, labels)
    seen, table, curves = compare(data, critic, plan)
    pictures.portraits(
        {"test data": images, **{k: v.shown for k, v in seen.items()}},
        labels,
        output / "portraits.png",
    )
    pictures.losses(
        curves,
        {
            f"{name}, T = {temperature:.0e}": seen[name].losses
            for name, temperature in ((HOT, plan.hot), (AFTER, plan.cold))
        },
        output / "losses.png",
    )
    print(f"hot T = {plan.hot:.0e}, cold T = {plan.cold:.0e}")
    print("\n".join(lines(table)))
    print(f"of the images themselves the judge reads {reads:.3f} right")
    print(
        "\n".join(["what the paper claims, and what is seen:", *claims(table)])
    )
    storage.write_json(
        output / "table.json",
        {
            "plan": plan._asdict(),
            "judged_data": reads,
            "table": table,
            "losses": {k: v.losses.tolist() for k, v in seen.items()},
            "curves": curves,
        },
    )
    print(f"table.json, portraits.png and losses.png: {output}")


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # A script's own folder is on the path, not the repository's root.
    sys.path.insert(0, str(ROOT))
    import errors

    define_flags()
    errors.run(main)
