"""What a latent-space energy-based prior serves."""

from typing import Any

from zoo import serving


def functions(model: Any) -> dict:
    """Signatures of a LatentEnergyPrior.

    What x gives alone is drawn with the same noise for every row; encode_with
    and log_evidence take a seed of each row.
    """
    image = serving.image_spec(model.image_shape)
    seed_spec = serving.seed_spec()

    def generate_with(seed, temperature):
        warm = serving.option(temperature)
        return {"samples": model.generate_rows(seed, temperature=warm)}

    def reconstruct(x):
        return {"x": model.reconstruct(x)}

    def encode(x):
        return {"z": model.encode(x)}

    def encode_with(x, seed):
        return {"z": model.encode(x, seed)}

    def energy(x):
        return {"energy": model.energy(x)}

    def log_evidence(x, seed):
        value, error = model.log_evidence_rows(x, seed)
        return {"log_evidence": value, "standard_error": error}

    return {
        **serving.latent_functions(model, model.latent_dim),
        "generate_with": serving.function(
            generate_with, seed_spec, serving.scalar_spec()
        ),
        "reconstruct": serving.function(reconstruct, image),
        "encode": serving.function(encode, image),
        "encode_with": serving.function(encode_with, image, seed_spec),
        "energy": serving.function(energy, image),
        "log_evidence": serving.function(log_evidence, image, seed_spec),
    }
