"""Descriptor sets an operator names."""

from pathlib import Path

import pytest
from google.longrunning import operations_pb2
from google.protobuf import struct_pb2
from modelwire_service.command_line.descriptor_sets import read_descriptor_sets
from modelwire_service.settings import ConfigurationError
from support.images import image_of


def test_the_services_of_all_sets_are_served(tmp_path: Path) -> None:
    contents = [image_of(struct_pb2.DESCRIPTOR), image_of(operations_pb2.DESCRIPTOR)]
    paths = [tmp_path / f"{number}.binpb" for number in range(2)]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    given = read_descriptor_sets(paths)
    assert given.images == tuple(contents)
    assert [service.full_name for service in given.services] == ["google.longrunning.Operations"]


def test_every_set_that_cannot_be_read_is_told_by_its_name(tmp_path: Path) -> None:
    broken, absent = tmp_path / "broken.binpb", tmp_path / "absent.binpb"
    broken.write_bytes(b"\xff")
    with pytest.raises(ConfigurationError) as raised:
        read_descriptor_sets([broken, absent])
    assert raised.value.complaints == [
        f"descriptor_set: {broken}: the descriptor image is not a google.protobuf.FileDescriptorSet",
        f"descriptor_set: {absent}: No such file or directory",
    ]
