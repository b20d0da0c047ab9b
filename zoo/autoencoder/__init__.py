"""Autoencoders with one encoder: plain and variational."""
