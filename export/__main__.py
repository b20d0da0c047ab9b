"""Exports a trained run: python -m export --workdir=... --export_base_path=...

Writes the next version under the base path, checked in a fresh process, and
beside the versions the two files that tensorflow_model_server reads.
"""

from absl import flags, logging

import errors


def define_flags() -> None:
    """Defines the flags; here, so that importing this module defines none."""
    flags.DEFINE_string("workdir", None, "Directory of the trained run.")
    flags.DEFINE_string(
        "export_base_path", None, "Directory that holds the versions."
    )
    flags.DEFINE_string(
        "model_name", None, "Name to serve under; the base path's by default."
    )
    flags.DEFINE_list(
        "allowed_batch_sizes",
        ["1", "8", "32", "64"],
        "Batch sizes the server may form; the last is the most rows a request "
        "may have.",
    )
    flags.mark_flags_as_required(["workdir", "export_base_path"])


def main(argv: list[str]) -> None:
    """Exports and prints where, and how to serve it."""
    values = flags.FLAGS
    if argv[1:]:
        raise errors.InputError(
            f"argument {argv[1]!r} is not a flag; see --help"
        )
    for name in ("workdir", "export_base_path"):
        # It would mean the current directory, which nobody asks for so.
        if not values[name].value:
            raise errors.InputError(f"{name}='' is empty: name a directory")
    # TensorFlow is slow to import: a wrong flag should not wait for it.
    import tensorflow as tf

    from export import saved_model, serving_config
    from training import checkpoints

    # How TensorFlow renames resources and writes files is no news here.
    tf.get_logger().setLevel("ERROR")
    logging.set_verbosity("warning")

    sizes = serving_config.parse_sizes(values.allowed_batch_sizes)
    config, model = checkpoints.load_run(values.workdir)
    version = saved_model.export_model(
        model,
        values.export_base_path,
        metadata={"config": config.to_dict(), "workdir": values.workdir},
        allowed_batch_sizes=sizes,
    )
    files = serving_config.write(
        values.export_base_path, values.model_name, sizes
    )
    print(f"exported {version}")
    print(f"serve it: python -m export.server {files.flags()}")


if __name__ == "__main__":
    define_flags()
    errors.run(main)
