"""Data by name: TFDS image sets, digits, and toys in the plane."""

from sources import image_sets, toy2d
from sources.data import Data


def load(
    name: str,
    *,
    data_dir: str | None = None,
    download: bool = False,
    image_size: int | None = None,
    train_examples: int | None = None,
    eval_examples: int | None = None,
    memory_limit: int = image_sets.MEMORY_LIMIT,
) -> Data:
    """Loads a data set by its name.

    Args:
        name: "digits" (prepared offline on first use), any TFDS image set
            ("mnist", "fashion_mnist", "cifar10", "celeb_a", ...), or a toy in
            the plane, such as "toy2d/moons" (see `sources.toy2d`).
        data_dir: folder of prepared TFDS sets; default $TFDS_DATA_DIR, then
            ~/tensorflow_datasets.
        download: fetch the set where it is not prepared yet.
        image_size: resize images to this side, after a centred square crop.
            Needed for sets whose images differ in size.
        train_examples: how many of the training examples, the first ones;
            None for all, of a toy for 10,000.
        eval_examples: likewise of the validation and of the test examples;
            None for all, of a toy for 2,000.
        memory_limit: bytes; a larger training split is streamed from disk
            and its labels are empty.

    Raises:
        errors.InputError: unknown, missing or unreadable set; wrong
            image_size, or more examples than there are.
    """
    numbers = {"train_examples": train_examples, "eval_examples": eval_examples}
    if str(name).partition("/")[0] == "toy2d":
        return toy2d.load(name, image_size=image_size, **numbers)
    return image_sets.load(
        name,
        data_dir=data_dir,
        download=download,
        image_size=image_size,
        memory_limit=memory_limit,
        **numbers,
    )
