"""The whole zoo under one name: `import thermozoo as tz`."""

import layers
import losses
import metrics
import samplers
import zoo

__all__ = ["layers", "losses", "metrics", "samplers", "zoo"]
