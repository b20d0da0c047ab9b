"""What is measured of a trained model, and pictures of what it makes."""
