"""The entropic autoencoder: a thermal ensemble of encoders."""
