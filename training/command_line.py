"""Flag errors, ConfigDict overrides included, as one line."""

import contextlib
import os
import re
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

import ml_collections
from absl import app, flags, logging

import errors

# A flag defined here is one of the program that asks for it, as --help says.
flags.disclaim_key_flags()


def define_inception_weights() -> None:
    """Defines the flag of whatever measures fidelity."""
    flags.DEFINE_string(
        "inception_weights",
        None,
        "File of InceptionV3's weights without the top, whose features KID and "
        "FID take; by default those of a small ConvNet, trained offline.",
    )


def check(argv: list[str]) -> list[str]:
    """Parses the flags and returns the other words of `argv`.

    A mistake ends the program with one line, where absl shows a page of usage
    and ml_collections a traceback.
    """
    app.define_help_flags()
    asked = [word for word in argv if word in ("--help", "-help", "-h")]
    if asked:
        _help([word for word in argv if word not in asked])
    try:
        return parse(argv)
    except errors.InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)


def _help(argv: list[str]) -> None:
    """Shows the flags, and the keys of the config where there is one."""
    with contextlib.suppress(errors.InputError):
        parse(argv)
    app.usage(shorthelp=True, writeto_stdout=True)
    config = flags.FLAGS["config"].value
    if config is None:
        print("\nWith --config=FILE, --help shows the keys of that config too.")
    else:
        print("\nKeys of this config, with what they are now:\n")
        print("\n".join(_keys(config)))
    sys.exit(0)


def _keys(config: Any) -> Iterator[str]:
    # Slow to import: no other help waits for it.
    from training import settings

    said = settings.descriptions(config.model.name)
    for key, value in sorted(_leaves(config)):
        group, _, name = key.rpartition(".")
        # The optimizers of several players have the same keys.
        text = said.get(key) or said.get(f"{group.partition('.')[0]}.{name}")
        text = text or said.get(group, "")
        yield f"  --config.{key}={value}"
        yield from textwrap.wrap(
            text, 78, initial_indent="      ", subsequent_indent="      "
        )


def _leaves(config: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in config.items():
        if isinstance(value, ml_collections.ConfigDict):
            yield from _leaves(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", value


def alone(argv: list[str]) -> Any:
    """The flags, where no other words stand beside them; and a quiet log.

    Args:
        argv: what is left of the command line, the program's name first.

    Raises:
        InputError: there is another word.
    """
    if argv[1:]:
        raise errors.InputError(
            f"{argv[1]!r} is no flag: write --name=value, see --help"
        )
    values = flags.FLAGS
    if not values["verbosity"].present:
        logging.set_verbosity(logging.ERROR)
    return values


def parse(argv: list[str]) -> list[str]:
    """Parses the flags, config file and overrides.

    Raises:
        InputError: in one line, with the nearest known name.
    """
    values = flags.FLAGS
    try:
        rest = values(argv)
    except (flags.Error, KeyError, AttributeError, TypeError) as error:
        raise errors.InputError(_line(error, argv)) from error
    except (OSError, SyntaxError, ImportError, ValueError) as error:
        raise errors.InputError(_file_line(argv, str(error))) from error
    _require_loaded(values.config, argv)
    return rest


def _require_loaded(config: Any, argv: list[str]) -> None:
    """Finds the failure to load that the flag reports on first use only."""
    try:
        config.to_dict()
    except (OSError, AttributeError) as error:
        raise errors.InputError(_file_line(argv, str(error))) from error


def _line(error: Exception, argv: list[str]) -> str:
    text = re.sub(r"\s+", " ", _last_line(str(error))).strip()
    near = re.search(r'Did you mean "(.+?)" instead of "(.+?)"', text)
    if near:
        return f"config key {near[2]!r} is unknown: did you mean {near[1]!r}?"
    unknown = re.fullmatch(r"[\"'\\]*(\w+)[\"'\\]*", text)
    if unknown:
        return (
            f"config key {unknown[1]!r} is unknown: see the keys of "
            f"{_file(argv) or 'the config file'}"
        )
    if "Traceback" in str(error) or isinstance(error, AttributeError):
        return _file_line(argv, text)
    return f"{text}; see `python train.py --help`"


def _file_line(argv: list[str], text: str) -> str:
    path = _file(argv)
    if path and not os.path.isfile(path.partition(":")[0]):
        return (
            f"--config={path}: there is no such file; take one of configs/, "
            "such as configs/eae_digits.py"
        )
    return f"--config={path} cannot be used ({_last_line(text)}): correct it"


def _file(argv: list[str]) -> str | None:
    for index, word in enumerate(argv):
        name, equals, value = word.partition("=")
        if name.lstrip("-") == "config":
            following = argv[index + 1] if index + 1 < len(argv) else None
            return value if equals else following
    return None


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "no reason given"
