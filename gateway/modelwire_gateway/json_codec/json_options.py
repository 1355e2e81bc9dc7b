"""What may be chosen about the JSON of all messages of a scope."""

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonOptions:
    """How messages are read from and written as JSON, where proto3 JSON leaves a choice.

    What a message or a field says for itself (modelwire/http/v1/options.proto) holds beside them.
    """

    unknown_fields: Literal["refuse", "ignore"] = "refuse"
    """What becomes of a member that no field declares, in a message without an overflow field: a 400, or nothing.
    The name of an enum's value that is not declared is a 400 in any case."""

    proto_field_names: bool = False
    """Whether answers spell field names as the .proto file does (`page_token`), not as JSON names (`pageToken`).
    Requests may have either."""

    print_zero_values: bool = False
    """Whether answers have fields that hold their default and have no presence: `0`, `""`, `false`, `[]`, `{}`."""


PROTO3_JSON: Final = JsonOptions()
"""What protobuf.dev/programming-guides/json says, read strictly."""
