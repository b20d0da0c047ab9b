"""The whole zoo under one name: `import thermozoo as tz`."""

import evaluators.registry
import layers
import losses
import metrics
import samplers
import sources
import zoo

__all__ = [
    "evaluators",
    "layers",
    "losses",
    "metrics",
    "samplers",
    "sources",
    "zoo",
]
