"""What .proto files say about their elements, for people.

Comments stand in the source info of an image (google/protobuf/descriptor.proto, SourceCodeInfo), which descriptor
pools do not keep. There, a location's path alternates the field numbers of the descriptor messages with indexes.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    ServiceDescriptorProto,
    SourceCodeInfo,
)

_ELEMENTS: Final[Mapping[type, Mapping[int, str]]] = {
    FileDescriptorProto: {4: "message_type", 5: "enum_type", 6: "service"},
    DescriptorProto: {2: "field", 3: "nested_type", 4: "enum_type", 8: "oneof_decl"},
    EnumDescriptorProto: {2: "value"},
    ServiceDescriptorProto: {2: "method"},
}
# `(-- … --)` is for whoever works on the API, not for its callers (AIP-192).
_INTERNAL: Final = re.compile(r"\(--.*?--\)", re.DOTALL)
_DIRECTIVE: Final = re.compile(r"^[ \t]*(?:buf:lint:ignore|protolint:|NOLINT).*$", re.MULTILINE)
_SENTENCE: Final = re.compile(r".*?(?<!e\.g)(?<!i\.e)[.!?](?=\s|$)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Comments:
    """Comments by the full name of what they are about; a value of an enum goes by `enum.VALUE`."""

    texts: Mapping[str, str]

    @classmethod
    def of_images(cls, images: Iterable[bytes]) -> "Comments":
        """The comments in serialized google.protobuf.FileDescriptorSets; none where they have no source info."""
        files = (file for image in images for file in FileDescriptorSet.FromString(image).file)
        return cls({name: text for file in files for name, text in _texts(file)})

    def of(self, full_name: str) -> str:
        """The comment on an element, or "" where it has none."""
        return self.texts.get(full_name, "")


NO_COMMENTS: Final = Comments({})


def first_sentence(text: str) -> str:
    """The first sentence of a comment in one line, without its full stop."""
    paragraph = text.partition("\n\n")[0]
    sentence = _SENTENCE.match(paragraph)
    return " ".join((sentence.group() if sentence else paragraph).split()).removesuffix(".")


def _texts(file: FileDescriptorProto) -> Iterable[tuple[str, str]]:
    for location in file.source_code_info.location:
        text = _text(location)
        if text and (name := _full_name(file, location.path)):
            yield name, text


def _text(location: SourceCodeInfo.Location) -> str:
    parts = (_cleaned(part) for part in (location.leading_comments, location.trailing_comments))
    return "\n\n".join(part for part in parts if part)


def _cleaned(comment: str) -> str:
    text = _DIRECTIVE.sub("", _INTERNAL.sub("", comment))
    return "\n".join(line.removeprefix(" ").rstrip() for line in text.splitlines()).strip()


def _full_name(file: FileDescriptorProto, path: Sequence[int]) -> str | None:
    """The element at a path; None for what has no name of its own, such as an option."""
    if not path or len(path) % 2:
        return None
    element: Any = file
    names = [file.package] if file.package else []
    for number, index in zip(path[::2], path[1::2], strict=True):
        attribute = _ELEMENTS.get(type(element), {}).get(number)
        if attribute is None:
            return None
        element = getattr(element, attribute)[index]
        names.append(element.name)
    return ".".join(names)
