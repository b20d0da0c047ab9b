"""The two text files that tensorflow_model_server and our server read."""

import dataclasses
import itertools
import os
import re
from collections.abc import Iterable, Sequence

import errors

_INTEGERS = (
    "max_batch_size",
    "batch_timeout_micros",
    "max_enqueued_batches",
    "num_batch_threads",
)
# Fields that ask for nothing when they have one of these values.
_HARMLESS = {
    "pad_variable_length_inputs": ("false",),
    "enable_large_batch_splitting": ("false",),
}


@dataclasses.dataclass(frozen=True)
class BatchingParameters:
    """How requests are merged (TF-Serving's message of the same name).

    Attributes:
      max_batch_size: most rows of a request and of a batch.
      batch_timeout_micros: how long a batch waits to fill, in microseconds.
      max_enqueued_batches: batches that may wait; more are refused.
      num_batch_threads: batches that run at once.
      allowed_batch_sizes: sizes a batch is padded to, rising, the last equal
        to max_batch_size; none for no padding.
    """

    max_batch_size: int = 1000
    batch_timeout_micros: int = 0
    max_enqueued_batches: int = 10
    num_batch_threads: int = dataclasses.field(
        default_factory=lambda: os.cpu_count() or 1
    )
    allowed_batch_sizes: tuple[int, ...] = ()

    def __post_init__(self):
        for name in _INTEGERS:
            lowest = 0 if name == "batch_timeout_micros" else 1
            if getattr(self, name) < lowest:
                raise errors.InputError(
                    f"{name}={getattr(self, name)}; it must be at least "
                    f"{lowest}"
                )
        sizes = self.allowed_batch_sizes
        rising = all(a < b for a, b in itertools.pairwise(sizes))
        if sizes and not (rising and sizes[-1] == self.max_batch_size):
            raise errors.InputError(
                f"allowed_batch_sizes={list(sizes)}; they must rise and end "
                f"with max_batch_size={self.max_batch_size}"
            )

    def padded(self, rows: int) -> int:
        """Returns the size that a batch of `rows` rows is padded to."""
        fitting = (size for size in self.allowed_batch_sizes if size >= rows)
        return next(fitting, rows)

    def to_text(self) -> str:
        """Returns the text form of the message."""
        lines = [f"{name} {{ value: {getattr(self, name)} }}"
                 for name in _INTEGERS]  # fmt: skip
        lines += [f"allowed_batch_sizes: {n}" for n in self.allowed_batch_sizes]
        return "\n".join(lines) + "\n"


@dataclasses.dataclass(frozen=True)
class ServingFiles:
    """Where the two files are."""

    models_config: str
    batching_parameters: str

    def flags(self) -> str:
        """Returns the flags of a server that reads them."""
        return (
            f"--model_config_file={self.models_config} --enable_batching "
            f"--batching_parameters_file={self.batching_parameters} "
            "--port=8500 --rest_api_port=8501"
        )


def parse_sizes(texts: Iterable[str]) -> tuple[int, ...]:
    """Reads batch sizes from a flag.

    Raises:
      InputError: not whole numbers above 0 that rise.
    """
    texts = list(texts)
    if not texts or not all(text.strip().isdecimal() for text in texts):
        raise errors.InputError(
            f"allowed_batch_sizes={','.join(texts)!r}; give whole numbers "
            "above 0 that rise, such as 1,8,32,64"
        )
    sizes = tuple(int(text) for text in texts)
    return BatchingParameters(
        max_batch_size=sizes[-1], allowed_batch_sizes=sizes
    ).allowed_batch_sizes


def write(
    base_path: str, name: str | None, sizes: Sequence[int]
) -> ServingFiles:
    """Writes models.config and batching_parameters.txt beside the versions.

    Args:
      base_path: the directory of the versions.
      name: name to serve under; the base path's last part when None.
      sizes: allowed batch sizes.

    Returns:
      Their paths.

    Raises:
      InputError: they cannot be written, or the name has a character that
        the server's addresses have no place for.
    """
    base_path = os.path.abspath(base_path)
    name = name or os.path.basename(base_path)
    if re.search(r'[/:"\\\s]', name):
        raise errors.InputError(
            f"model_name={name!r}; it may not hold a slash, a colon, a quote, "
            "a backslash or a space: pass another --model_name"
        )
    quoted = base_path.replace("\\", "\\\\").replace('"', '\\"')
    models = (
        "# base_path must be absolute: change it where the directory moves.\n"
        "model_config_list {\n"
        "  config {\n"
        f'    name: "{name}"\n'
        f'    base_path: "{quoted}"\n'
        '    model_platform: "tensorflow"\n'
        "  }\n"
        "}\n"
    )
    batching = BatchingParameters(
        max_batch_size=sizes[-1],
        batch_timeout_micros=2000,
        max_enqueued_batches=100,
        allowed_batch_sizes=tuple(sizes),
    )
    files = ServingFiles(
        models_config=os.path.join(base_path, "models.config"),
        batching_parameters=os.path.join(base_path, "batching_parameters.txt"),
    )
    _replace(files.models_config, models)
    _replace(files.batching_parameters, batching.to_text())
    return files


def parse_batching_parameters(text: str) -> BatchingParameters:
    """Reads the text form of BatchingParameters.

    The message is not in the tensorflow-serving-api wheel, so it is read here:
    `name { value: N }` and `allowed_batch_sizes: N` or `: [N, N]`.

    Raises:
      InputError: an unknown field, or one this server does not offer.
    """
    text = re.sub(r"#.*", "", text)
    values: dict[str, int] = {}
    sizes: list[int] = []
    pattern = re.compile(
        r"\s*(\w+)\s*(?::?\s*\{\s*value\s*:\s*(\w+)\s*\}"
        r"|:\s*(\w+)|:\s*\[([\d,\s]*)\])\s*[,;]?"
    )
    position = 0
    while text[position:].strip():
        match = pattern.match(text, position)
        if match is None:
            rest = " ".join(text[position:].split())[:40]
            raise errors.InputError(
                f"the batching parameters cannot be read at {rest!r}; write "
                "one `name { value: number }` a line"
            )
        position = match.end()
        name, wrapped, plain, several = match.groups()
        value = wrapped or plain
        if name == "allowed_batch_sizes":
            sizes += [
                int(n) for n in re.findall(r"\d+", several or plain or "")
            ]
        elif name in _INTEGERS and wrapped and wrapped.isdecimal():
            values[name] = int(wrapped)
        elif not (name in _HARMLESS and value in _HARMLESS[name]):
            known = ", ".join([*_INTEGERS, "allowed_batch_sizes"])
            raise errors.InputError(
                f"batching parameter {name!r} with value {value!r} is not one "
                f"that this server reads; it reads {known}"
            )
    return BatchingParameters(allowed_batch_sizes=tuple(sizes), **values)


def _replace(path: str, text: str) -> None:
    aside = f"{path}.tmp"
    try:
        with open(aside, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(aside, path)
    except OSError as error:
        raise errors.InputError(
            f"cannot write {path!r} ({error.strerror}); choose a base path "
            "that can be written"
        ) from error
