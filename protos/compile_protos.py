"""Hatch build hook: compiles protos/ into stubs and a descriptor image under build/stubs.

The stubs are made at build and not checked in, because generated code is bound to the
runtime it was generated for. The image keeps comments and the options of google.api.http.
"""

import importlib.util
import shutil
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompileProtos(BuildHookInterface):  # type: ignore[type-arg]
    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        stubs = Path(self.root) / "build" / "stubs"
        compile_protos(Path(self.root) / "protos", stubs)
        if version != "editable":
            build_data["force_include"][str(stubs / "modelwire")] = "modelwire"


def compile_protos(protos: Path, stubs: Path) -> None:
    """Runs protoc over every file below `protos`; raises RuntimeError with protoc's code if it fails."""
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
    (package / "py.typed").touch()


def _root_of(module: str) -> Path:
    """The directory on sys.path that `module` was found in."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise RuntimeError(f"{module} is not installed")
    return Path(spec.origin).parents[module.count(".")]
