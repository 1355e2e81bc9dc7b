"""The two distributions, built from this tree without the network: what they hold, and that they work by themselves."""

import subprocess
import sys
import sysconfig
import tarfile
from email import message_from_bytes
from pathlib import Path
from zipfile import ZipFile

import pytest
from modelwire_service import __version__
from support.commands import run
from support.programs import clean_environment

ROOT = Path(__file__).parents[1]
ROOTS = {"modelwire": ROOT, "modelwire-client": ROOT / "clients" / "python"}
DEPENDENCIES = {"PYTHONPATH": sysconfig.get_path("purelib")}
"""For an interpreter that has nothing: what both need, but for both themselves, which are only linked to from there."""
PROGRAM = """
import modelwire_client, modelwire_gateway, modelwire_service
from importlib.resources import files
from modelwire.v1 import chat_service_pb2_grpc
for place in (modelwire_client, modelwire_gateway, modelwire_service, chat_service_pb2_grpc):
    print(place.__file__)
print(files("modelwire") / "protos.binpb")
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheels and the source distributions of this tree."""
    folder = tmp_path_factory.mktemp("built")
    for root in ROOTS.values():
        run(sys.executable, "-m", "hatchling", "build", "-d", str(folder), cwd=root)
    return folder


@pytest.fixture(scope="module")
def wheels(built: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The wheels that come of the source distributions, where there is no tree around them."""
    found = {}
    for name in ROOTS:
        folder = tmp_path_factory.mktemp(name)
        stem = f"{name.replace('-', '_')}-{__version__}"
        with tarfile.open(built / f"{stem}.tar.gz") as archive:
            archive.extractall(folder, filter="data")
        run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder), cwd=folder / stem)
        [found[name]] = folder.glob("*.whl")
    return found


@pytest.mark.parametrize("name", ROOTS)
def test_a_source_distribution_makes_the_wheel_that_the_tree_makes(
    name: str, built: Path, wheels: dict[str, Path]
) -> None:
    assert contents(wheels[name]) == contents(built / wheels[name].name)


def test_the_stubs_are_in_the_clients_wheel_alone(wheels: dict[str, Path]) -> None:
    assert packages(wheels["modelwire"]) == {"modelwire_gateway", "modelwire_service"}
    assert packages(wheels["modelwire-client"]) == {"modelwire", "modelwire_client"}


def test_the_clients_wheel_has_all_that_callers_need(wheels: dict[str, Path]) -> None:
    there = contents(wheels["modelwire-client"]).keys()
    protos = [path.relative_to(ROOT / "protos") for path in (ROOT / "protos").rglob("*.proto")]
    made = {
        str(path.with_name(f"{path.stem}{end}")) for path in protos for end in ("_pb2.py", "_pb2.pyi", "_pb2_grpc.py")
    }
    assert made <= there
    assert {f"modelwire/{name}" for name in ("protos.binpb", "py.typed", "service_config.json")} <= there
    assert {"modelwire_client/py.typed", "modelwire/v1/chat_service_pb2_grpc.pyi"} <= there


@pytest.mark.parametrize("name", ROOTS)
def test_a_wheel_has_the_license(name: str, wheels: dict[str, Path]) -> None:
    [license_text] = [text for path, text in contents(wheels[name]).items() if path.endswith("/licenses/LICENSE")]
    assert license_text == (ROOT / "LICENSE").read_bytes()


def test_the_server_needs_the_client_of_its_own_version(wheels: dict[str, Path]) -> None:
    [metadata] = [text for path, text in contents(wheels["modelwire"]).items() if path.endswith("/METADATA")]
    assert f"modelwire-client=={__version__}" in message_from_bytes(metadata).get_all("Requires-Dist", [])


def test_they_serve_where_nothing_of_this_tree_is(wheels: dict[str, Path], tmp_path: Path) -> None:
    home = tmp_path / "environment"
    uv = str(Path(sys.executable).with_name("uv"))
    run(uv, "venv", "-q", "--offline", "--python", sys.executable, str(home))
    python = str(home / "bin" / "python")
    run(uv, "pip", "install", "-q", "--offline", "--no-deps", "--python", python, *map(str, wheels.values()))

    printed = run(python, "-c", PROGRAM, variables=DEPENDENCIES, cwd=tmp_path)
    assert all(Path(line).is_relative_to(home) for line in printed.splitlines())

    environment = clean_environment(DEPENDENCIES)
    doors = ("--grpc-address", "127.0.0.1:0", "--http-address", "127.0.0.1:0")
    with subprocess.Popen(
        [home / "bin" / "modelwire", "serve", *doors], stdout=subprocess.PIPE, text=True, env=environment, cwd=tmp_path
    ) as server:
        try:
            assert server.stdout is not None
            address = next(line.split()[1] for line in server.stdout if line.startswith("grpc"))
            listed = run(str(home / "bin" / "modelwire"), "models", "--address", address, variables=DEPENDENCIES)
        finally:
            server.terminate()
    assert "smollm2-135m-instruct" in listed


def packages(wheel: Path) -> set[str]:
    return {path.partition("/")[0] for path in contents(wheel) if ".dist-info/" not in path}


def contents(wheel: Path) -> dict[str, bytes]:
    with ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
