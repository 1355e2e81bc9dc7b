"""What the codec writes, read by a second runtime, Node's; and what that writes, read by the codec."""

import base64
import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given, settings
from modelwire_gateway.json_codec import Codecs, JsonValue, dump_json
from support.images import Find
from support.programs import clean_environment
from support.proto_json import json_of

Ask = Callable[[str, bytes], dict[str, Any]]

NODE_FOLDER = Path(__file__).parents[2] / "clients" / "node"
NAMES = (
    "Scalars", "Present", "Lists", "Packed", "Unpacked", "Maps", "Keys", "MapValues", "OneOf", "WellKnown", "Tree",
)  # fmt: skip
CODECS = Codecs()


@contextmanager
def asking(node: str, image: bytes) -> Iterator[Ask]:
    """Asks one Node what it makes of messages."""
    with subprocess.Popen(
        [node, "protobuf.mjs"], cwd=NODE_FOLDER, env=clean_environment(None), stdin=-1, stdout=-1, text=True
    ) as process:
        to_node, from_node = process.stdin, process.stdout
        assert to_node
        assert from_node
        to_node.write(base64.b64encode(image).decode() + "\n")

        def ask(name: str, wire: bytes) -> dict[str, Any]:
            to_node.write(json.dumps({"type": name, "wire": base64.b64encode(wire).decode()}) + "\n")
            to_node.flush()
            answer: dict[str, Any] = json.loads(from_node.readline())
            return answer

        yield ask
        to_node.close()


def canonical(wire: bytes, descriptor: Descriptor) -> JsonValue:
    return json_format.MessageToDict(GetMessageClass(descriptor).FromString(wire), descriptor_pool=descriptor.file.pool)


def test_node_reads_and_writes_what_the_codec_does(node: str, image: bytes, message: Find) -> None:
    with asking(node, image) as ask:
        for name in NAMES:
            compare(ask, message(name))


def coarse(value: JsonValue) -> JsonValue:
    """JSON with its numbers as floats of 32 bits: Node writes those with the digits of doubles.

    That doubles are exact shows on the wire.
    """
    if isinstance(value, dict):
        return {name: coarse(member) for name, member in value.items()}
    if isinstance(value, list):
        return [coarse(item) for item in value]
    if value is None or isinstance(value, bool | str):
        return value
    with np.errstate(over="ignore"):
        return float(np.float32(value))


def compare(ask: Ask, descriptor: Descriptor) -> None:
    codec = CODECS.message(descriptor)

    @settings(max_examples=30, deadline=None)
    @given(json_of(descriptor))
    def agrees(value: JsonValue) -> None:
        wire = codec.encode(value)
        expected = canonical(wire, descriptor)
        answer = ask(descriptor.full_name, wire)
        assert "error" not in answer
        assert coarse(answer["json"]) == coarse(expected)
        assert json.loads(dump_json(codec.decode(base64.b64decode(answer["wire"])))) == expected

    agrees()
