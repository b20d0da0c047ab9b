"""The 1,797 handwritten 8x8 digits that scikit-learn ships, as a TFDS set."""

import numpy as np
import tensorflow_datasets as tfds
from sklearn import datasets as sklearn_datasets

# The copy is in writer order; one fixed shuffle gives three splits of the
# same distribution.
_SHUFFLE_SEED = 0
_BOUNDS = {
    "train": (0, 1297),
    "validation": (1297, 1547),
    "test": (1547, 1797),
}


class Digits(tfds.core.GeneratorBasedBuilder):
    """Real 8x8 digits, prepared without a network.

    The images come from the UCI set "Optical Recognition of Handwritten
    Digits" (Alpaydin and Kaynak, 1998). Ink is an integer from 0 to 16 there;
    here it is scaled to uint8, 0 to 255. Splits: 1,297 train, 250 validation,
    250 test.
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First version."}  # noqa: RUF012

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            description="1,797 handwritten digits of 8x8 pixels.",
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(8, 8, 1)),
                    "label": tfds.features.ClassLabel(num_classes=10),
                }
            ),
            supervised_keys=("image", "label"),
            homepage="https://archive.ics.uci.edu/dataset/80",
            license="CC BY 4.0",
        )

    def _split_generators(self, dl_manager):
        del dl_manager  # nothing to download
        return {
            name: self._generate_examples(*bounds)
            for name, bounds in _BOUNDS.items()
        }

    def _generate_examples(self, start: int, stop: int):
        pixels, labels = sklearn_datasets.load_digits(return_X_y=True)
        ink = np.reshape(pixels, (-1, 8, 8, 1))
        images = np.round(ink * (255.0 / 16.0)).astype(np.uint8)
        order = np.random.default_rng(_SHUFFLE_SEED).permutation(len(images))
        for row in order[start:stop]:
            example = {"image": images[row], "label": int(labels[row])}
            yield int(row), example
