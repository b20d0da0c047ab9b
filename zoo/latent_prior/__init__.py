"""The latent-space energy-based prior, its chains and its losses."""
