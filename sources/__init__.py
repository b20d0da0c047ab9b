"""Where examples come from: data sets by name, arrays, and batches of them."""

from sources.batching import batches, eval_batches
from sources.data import Data, from_arrays
from sources.loading import load

__all__ = ["Data", "batches", "eval_batches", "from_arrays", "load"]
