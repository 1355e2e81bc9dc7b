import pytest
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)
from modelwire_gateway.sources.descriptors import DescriptorError, built_in_services, services_in_image


def image(*files: FileDescriptorProto) -> bytes:
    return FileDescriptorSet(file=files).SerializeToString()


def file(name: str, *imports: str, service: str | None = None) -> FileDescriptorProto:
    made = FileDescriptorProto(name=name, package=name.removesuffix(".proto"), dependency=imports, syntax="proto3")
    if service:
        made.service.add(name=service)
    return made


def test_the_contract_ships_with_its_services() -> None:
    names = {service.full_name for service in built_in_services()}
    assert {"modelwire.v1beta.ChatService", "modelwire.v1beta.EmbeddingService"} <= names


def test_files_may_stand_in_any_order() -> None:
    files = (file("a.proto", "b.proto", service="A"), file("b.proto", "c.proto", service="B"), file("c.proto"))
    assert [service.full_name for service in services_in_image(image(*files))] == ["a.A", "b.B"]


def whole(name: str) -> FileDescriptorProto:
    """A file with text wherever a file may have some, each beginning with the name of its place."""
    made = file(name, "import", service="service")
    message = made.message_type.add(name="message", reserved_name=["reserved"])
    message.field.add(name="field", number=1, type=FieldDescriptorProto.TYPE_STRING, json_name="json_name")
    made.source_code_info.location.add(path=[4, 0], leading_comments="comment", leading_detached_comments=["detached"])
    return made


PLACES = ["a.proto", "import", "service", "message", "reserved", "field", "json_name", "comment", "detached"]


@pytest.mark.parametrize("place", PLACES)
def test_text_that_is_not_utf8_is_refused_with_the_file_at_fault(place: str) -> None:
    broken = whole("a.proto").SerializeToString().replace(place.encode(), b"\xff" * len(place))
    assert b"\xff" in broken
    with pytest.raises(DescriptorError, match=r"(a\.proto|xff'): holds text that is not UTF-8"):
        services_in_image(image(FileDescriptorProto.FromString(broken), file("import")))


def test_complaints_keep_to_one_line() -> None:
    with pytest.raises(DescriptorError, match=r"a\\nb\.proto: imports"):
        services_in_image(image(file("a\nb.proto", "c.proto")))


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"\xff\xff", "not a google.protobuf.FileDescriptorSet"),
        (image(file("a.proto", "b.proto")), "a.proto: imports b.proto, which is not in the image"),
        (image(file("a.proto", "b.proto"), file("b.proto", "a.proto")), ".proto: imports itself by way of others"),
        (image(FileDescriptorProto(name="a.proto", message_type=[DescriptorProto(name="no name")])), "a.proto: "),
    ],
)
def test_an_unusable_image_is_refused_with_the_file_at_fault(data: bytes, complaint: str) -> None:
    with pytest.raises(DescriptorError) as caught:
        services_in_image(data)
    assert complaint in str(caught.value)
