"""Network weights as particles: Simmering, and the ensembles it samples."""
