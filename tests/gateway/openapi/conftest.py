"""Documents of services that are given as text."""

from collections.abc import Callable
from pathlib import Path

import pytest
from google.api import annotations_pb2
from grpc_tools import protoc
from modelwire_gateway.options import GatewayOptions
from support.openapi import Document, Json, document_of

HERE = Path(__file__).parent
OPTIONS_PROTO = HERE.parents[2] / "protos"
EVERYTHING = HERE.parent / "json_codec"
HEAD = """
syntax = "proto3"; package t;
import "google/api/annotations.proto"; import "google/api/field_behavior.proto"; import "google/api/httpbody.proto";
import "google/protobuf/any.proto"; import "google/protobuf/duration.proto"; import "google/protobuf/empty.proto";
import "google/protobuf/field_mask.proto"; import "google/protobuf/struct.proto";
import "google/protobuf/timestamp.proto"; import "google/protobuf/wrappers.proto";
import "everything.proto"; import "legacy.proto"; import "modelwire/http/v1/options.proto";
"""

CompileImage = Callable[[str], bytes]


@pytest.fixture(scope="session")
def compile_image(tmp_path_factory: pytest.TempPathFactory) -> CompileImage:
    """Compiles the text of a .proto file that follows `HEAD`, comments and imports included."""
    folder = tmp_path_factory.mktemp("protos")
    system = Path(protoc.__file__).parent / "_proto"
    includes = [folder, EVERYTHING, OPTIONS_PROTO, Path(annotations_pb2.__file__).parents[2], system]
    image = folder / "image.binpb"

    def compiled(text: str) -> bytes:
        (folder / "test.proto").write_text(HEAD + text)
        arguments = [*(f"-I{include}" for include in includes), f"--descriptor_set_out={image}"]
        flags = ["--include_imports", "--include_source_info"]
        assert protoc.main(["protoc", *arguments, *flags, str(folder / "test.proto")]) == 0
        return image.read_bytes()

    return compiled


@pytest.fixture(scope="session")
def document(compile_image: CompileImage) -> Document:
    """The document of the services in such a text."""

    def made(text: str, options: GatewayOptions | None = None) -> Json:
        return document_of(compile_image(text), options)

    return made


@pytest.fixture(scope="session")
def routed(document: Document) -> Document:
    """The document of one method for each rule; t.M has `fields`, and is request and response."""

    def made(
        *rules: str, fields: str = "string a = 1; string b = 2;", more: str = "", **options: GatewayOptions
    ) -> Json:
        methods = (
            f"rpc M{at}(M) returns (M) {{ option (google.api.http) = {{ {rule} }}; }}" for at, rule in enumerate(rules)
        )
        return document(f"{more} message M {{\n{fields}\n}} service S {{ {' '.join(methods)} }}", **options)

    return made
