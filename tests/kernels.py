"""Kernels that tempered chains are tested with, by name."""

from samplers import baoab, langevin, metropolis, nose_hoover

KERNELS = {
    "langevin": lambda energy: langevin.langevin(energy, 0.1),
    "mala": lambda energy: metropolis.metropolis_hastings(
        langevin.langevin(energy, 0.5)
    ),
    "baoab": lambda energy: baoab.baoab(energy, 0.3),
    "nose_hoover": lambda energy: nose_hoover.nose_hoover_chain(energy, 0.3),
}
