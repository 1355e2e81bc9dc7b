"""Compiles .proto files into Python's stubs and a descriptor image."""

import importlib.util
import shutil
from pathlib import Path

from stub_types import write_stub_types


def compile_protos(protos: Path, stubs: Path) -> None:
    """Makes `stubs`/modelwire of every file below `protos`; raises RuntimeError with protoc's code if it fails.

    The image, protos.binpb, keeps comments and the options of google.api.http.
    """
    from grpc_tools import protoc

    shutil.rmtree(stubs, ignore_errors=True)
    package = stubs / "modelwire"
    package.mkdir(parents=True)
    # google/api/*.proto ship with googleapis-common-protos, google/protobuf/*.proto with grpcio-tools.
    includes = [protos, _root_of("google.api.annotations_pb2"), _root_of("grpc_tools.protoc") / "grpc_tools" / "_proto"]
    arguments = [
        "protoc",
        *(f"-I{include}" for include in includes),
        f"--python_out={stubs}",
        f"--pyi_out={stubs}",
        f"--grpc_python_out={stubs}",
        f"--descriptor_set_out={package / 'protos.binpb'}",
        "--include_imports",
        "--include_source_info",
        *sorted(str(path) for path in protos.rglob("*.proto")),
    ]
    code = protoc.main(arguments)
    if code != 0:
        raise RuntimeError(f"protoc ended with code {code}")
    write_stub_types(stubs)
    (package / "py.typed").touch()


def _root_of(module: str) -> Path:
    """The directory on sys.path that `module` was found in."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise RuntimeError(f"{module} is not installed")
    return Path(spec.origin).parents[module.count(".")]
