"""The two ways a message is written as JSON: as REST callers read it, and as services read their requests."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from google.protobuf.descriptor import FieldDescriptor

from .json_options import JsonOptions
from .json_text import JsonValue
from .number_runs import Floats, compact, plain_list
from .options import field_options, rest_name
from .scalars import Decode, scalar_of
from .well_known import WellKnown


@dataclass(frozen=True, slots=True)
class Style:
    """What differs between the two, asked once for each field.

    `name` gives a field's name, `text64` whether its 64-bit integers are texts, `zero` whether it is written
    when it holds its default; `numbers` the form of long lists of numbers.
    """

    name: Callable[[FieldDescriptor], str]
    text64: Callable[[FieldDescriptor], bool]
    zero: Callable[[FieldDescriptor], bool]
    well_known: Callable[[WellKnown], Decode]
    numbers: Callable[[Floats], JsonValue]

    def scalar(self, field: FieldDescriptor) -> Decode:
        """How the values of a field that is no message are written."""
        scalar = scalar_of(field)
        decode = scalar.decode
        return (lambda raw: str(decode(raw))) if scalar.wide and self.text64(field) else decode


def rest_style(options: JsonOptions) -> Style:
    """As REST callers read messages: proto3 JSON, changed by the options of the scope, the message and the field."""
    return Style(
        name=(lambda field: field.name) if options.proto_field_names else rest_name,
        text64=lambda field: not field_options(field).int64_as_number,
        zero=lambda field: options.print_zero_values or bool(field_options(field).print_zero_value),
        well_known=lambda known: known.decode_rest,
        numbers=compact,
    )


PROTO_NAMES: Final = Style(
    name=lambda field: field.name,
    text64=lambda field: False,
    zero=lambda field: False,
    well_known=lambda known: known.decode_plain,
    numbers=plain_list,
)
