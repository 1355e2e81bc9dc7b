"""What to call the components of a document.

Services of several descriptor sets come from several pools, each with definitions of its own. Most that go by one
name there are the same, such as Google's; others are not, and a component for both would be wrong about one.
"""

from collections import defaultdict
from typing import Final

from google.protobuf.descriptor import Descriptor, EnumDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto

Element = Descriptor | EnumDescriptor
_Definitions = dict[str, tuple[bytes, list[bool]]]


class ComponentNames:
    """Full names of messages and enums, from the second definition of a name on with a number behind: `a.M-2`."""

    def __init__(self) -> None:
        self._names: Final[dict[Element, str]] = {}
        self._known: Final[defaultdict[str, list[Element]]] = defaultdict(list)

    def of(self, element: Element) -> str:
        """The name of an element; elements that are defined alike, with all that they hold, have the same."""
        if (name := self._names.get(element)) is None:
            name = self._names[element] = self._name(element)
        return name

    def _name(self, element: Element) -> str:
        known = self._known[element.full_name]
        # Nothing is compared as long as all names are of one pool.
        number = next((at for at, other in enumerate(known, 1) if _definitions(other) == _definitions(element)), None)
        if number is None:
            known.append(element)
            number = len(known)
        # No name in a .proto file has a hyphen.
        return str(element.full_name) if number == 1 else f"{element.full_name}-{number}"


def _definitions(element: Element) -> _Definitions:
    """How an element and all that it holds are defined, by full name."""
    found: _Definitions = {}
    waiting = [element]
    while waiting:
        element = waiting.pop()
        if element.full_name not in found:
            found[element.full_name] = _definition(element)
            waiting.extend(_held(element))
    return found


def _definition(element: Element) -> tuple[bytes, list[bool]]:
    if isinstance(element, EnumDescriptor):
        values = EnumDescriptorProto()
        element.CopyToProto(values)
        return values.SerializeToString(deterministic=True), []
    fields = DescriptorProto()
    element.CopyToProto(fields)
    # Whether fields have presence may be said by the file.
    return fields.SerializeToString(deterministic=True), [field.has_presence for field in element.fields]


def _held(element: Element) -> list[Element]:
    if isinstance(element, EnumDescriptor):
        return []
    return [held for field in element.fields if (held := field.message_type or field.enum_type)]
