"""SavedModels that TF-Serving can serve, and an endpoint for a laptop."""
