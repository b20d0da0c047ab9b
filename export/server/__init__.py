"""TF-Serving's REST and gRPC APIs on a laptop: python -m export.server.

It takes tensorflow_model_server's flags, answers at its addresses with its
messages and error codes, and runs models through the loader that it uses, so
what works here works there. It is a development server: one process, no TLS.
"""
