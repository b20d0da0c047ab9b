"""Image data: TFDS builders, and the pipeline that loads and batches them."""

from datasets.pipeline import (
    Splits,
    eval_batches,
    load,
    take,
    train_batches,
)

__all__ = ["Splits", "eval_batches", "load", "take", "train_batches"]
