"""Serves exported models with tensorflow_model_server's flags.

python -m export.server --model_base_path=$PWD/models/eae --model_name=eae
--port=8500 --rest_api_port=8501
"""

import asyncio

from absl import flags, logging

import errors


def define_flags() -> None:
    """Defines the flags; here, so that importing this module defines none."""
    text, whole = flags.DEFINE_string, flags.DEFINE_integer
    switch = flags.DEFINE_bool
    whole("port", 8500, "Port of gRPC; 0 for none.", 0, 65535)
    whole("rest_api_port", 0, "Port of REST; 0 for none.", 0, 65535)
    text("host", "localhost", "Address to listen on; 0.0.0.0 for all.")
    text("model_name", "default", "Name of the model.")
    text("model_base_path", None, "Absolute path of the versions' directory.")
    text("model_config_file", None, "Text file that lists several models.")
    switch("enable_batching", False, "Whether to merge requests.")
    text("batching_parameters_file", None, "Text file of how to merge them.")
    whole(
        "rest_api_timeout_in_ms",
        30_000,
        "For a model to answer over REST; 0 for no limit.",
        0,
    )
    switch(
        "rest_api_enable_cors_support",
        False,
        "Whether web pages of other origins may ask over REST.",
    )
    flags.DEFINE_float(
        "file_system_poll_wait_seconds",
        1.0,
        "Between looks for new versions; 0 for one look at the start.",
        0,
    )
    switch(
        "xla_cpu_compilation_enabled",
        False,
        "Whether models may use XLA; off, as it is on tensorflow_model_server.",
    )


def main(argv: list[str]) -> None:
    """Reads the flags and serves until told to stop."""
    if argv[1:]:
        raise errors.InputError(
            f"argument {argv[1]!r} is not a flag; see --help"
        )
    options = read_options(flags.FLAGS)
    logging.set_stderrthreshold("info")
    import tensorflow as tf

    from export import session_loader
    from export.server import app

    # The Session loader is deprecated, and is what TF-Serving uses.
    tf.get_logger().setLevel("ERROR")

    if not flags.FLAGS.xla_cpu_compilation_enabled:
        session_loader.disable_xla()
    asyncio.run(app.serve(options))


def read_options(values: flags.FlagValues):
    """Returns the Options that the flags give.

    Raises:
      InputError: flags that contradict each other.
    """
    if bool(values.model_base_path) == bool(values.model_config_file):
        raise errors.InputError(
            "give one of --model_base_path and --model_config_file"
        )
    if not values.port and not values.rest_api_port:
        raise errors.InputError(
            "port=0 and rest_api_port=0 leave nothing to listen on; give one"
        )
    if values.port == values.rest_api_port:
        raise errors.InputError(
            f"rest_api_port={values.rest_api_port} is the port of gRPC too; "
            "choose another"
        )
    if values.batching_parameters_file and not values.enable_batching:
        raise errors.InputError(
            "batching_parameters_file was given without --enable_batching; "
            "add it"
        )
    # TensorFlow is slow to import: a wrong flag should not wait for it.
    from export import serving_config
    from export.server import app, versions

    batching = None
    if values.enable_batching:
        path = values.batching_parameters_file
        text = app.read_text(path, "batching_parameters_file") if path else ""
        batching = serving_config.parse_batching_parameters(text)
    if values.model_config_file:
        configs = app.read_models(values.model_config_file)
    else:
        configs = [
            versions.model_config(values.model_name, values.model_base_path)
        ]
    return app.Options(
        configs=configs,
        host=values.host,
        port=values.port,
        rest_api_port=values.rest_api_port,
        rest_api_timeout_in_ms=values.rest_api_timeout_in_ms,
        rest_api_enable_cors_support=values.rest_api_enable_cors_support,
        batching=batching,
        file_system_poll_wait_seconds=values.file_system_poll_wait_seconds,
    )


if __name__ == "__main__":
    define_flags()
    errors.run(main)
