"""The house rules: which room imports which, and where randomness is drawn."""

import ast
import pathlib
import re

import pytest

from tests import processes

ROOT = pathlib.Path(__file__).parents[2]

# Ground floor first: a room imports only rooms to its left.
FLOORS: list[str] = [
    *("errors", "samplers", "layers", "losses", "metrics", "zoo"),
    *("sources", "evaluators", "training", "export", "configs", "train"),
    *("tune", "thermozoo", "demo"),
]


def read_build() -> dict[str, set[str]]:
    """The rooms of the BUILD file, with the rooms each declares to need."""
    rooms = {}
    for node in ast.parse((ROOT / "BUILD").read_text()).body:
        if not isinstance(node, ast.Expr) or not isinstance(
            node.value, ast.Call
        ):
            continue
        call = node.value
        fields = {k.arg: k.value for k in call.keywords if k.arg}
        if isinstance(call.func, ast.Name) and call.func.id in (
            "py_library",
            "py_binary",
        ):
            deps = ast.literal_eval(fields["deps"]) if "deps" in fields else []
            name = ast.literal_eval(fields["name"])
            rooms[name] = {dep.lstrip(":") for dep in deps}
    return rooms


def sources(room: str) -> list[pathlib.Path]:
    folder = ROOT / room
    return sorted(folder.rglob("*.py")) or [ROOT / f"{room}.py"]


def rooms_imported(text: str) -> set[str]:
    """The rooms that a source imports, at its top or inside a function."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found & set(FLOORS)


def above(room: str, imported: set[str]) -> set[str]:
    """Those of the imported rooms that do not stand below `room`."""
    return {
        other
        for other in imported - {room}
        if FLOORS.index(other) >= FLOORS.index(room)
    }


def test_every_package_is_a_room():
    packages = {p.parent.name for p in ROOT.glob("*/__init__.py")}
    modules = {p.stem for p in ROOT.glob("*.py")}
    assert packages | modules == set(FLOORS)
    assert set(read_build()) == set(FLOORS)


@pytest.mark.parametrize("room", FLOORS)
def test_room_imports_only_rooms_below(room):
    imported = set().union(
        *(rooms_imported(p.read_text()) for p in sources(room))
    )
    assert not above(room, imported), f"{room} imports a room above it"


@pytest.mark.parametrize("room", FLOORS)
def test_build_file_declares_what_a_room_imports(room):
    imported = set().union(
        *(rooms_imported(p.read_text()) for p in sources(room))
    )
    assert read_build()[room] == imported - {room}


def test_an_upward_import_is_seen():
    """Negative control: a sampler that imports a model must be reported."""
    text = "def f():\n    from zoo import base\n    import training.report\n"
    assert above("samplers", rooms_imported(text)) == {"zoo", "training"}


STRAY_DRAW = re.compile(
    r"\btf\.random\.|\bkeras\.random\.|\bnp\.random\.(?!default_rng)"
)


def stray_draws(text: str) -> list[str]:
    return [line for line in text.splitlines() if STRAY_DRAW.search(line)]


@pytest.mark.parametrize("room", FLOORS)
def test_all_draws_go_through_seeds(room):
    for path in sources(room):
        if path.match("samplers/seeds.py"):
            continue
        assert not stray_draws(path.read_text()), path


def test_a_stray_draw_is_seen():
    """Negative control: a bare draw must be reported."""
    assert stray_draws("x = tf.random.normal([3])\n")
    assert not stray_draws("rng = np.random.default_rng(7)\n")


def test_samplers_know_nothing_of_keras_or_flags():
    for path in sources("samplers"):
        assert not re.search(r"import (keras|absl)|from absl", path.read_text())


def test_the_benchmark_finds_the_rooms():
    """A script in a folder has that folder on its path, not the root."""
    child = processes.run(["benchmarks/encoder_step.py", "--help"])
    assert "--rounds" in child.stdout, child.stderr
