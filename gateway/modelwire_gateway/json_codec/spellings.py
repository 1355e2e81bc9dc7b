"""The names that a field goes by in a JSON object, and those that must not stand beside one of them."""

from google.protobuf.descriptor import FieldDescriptor

from .errors import JsonError
from .json_text import JsonValue
from .options import null_is_value

# A name that must not stand beside another, and whether it may if its value is null.
Rival = tuple[str, bool]


def spellings(field: FieldDescriptor) -> set[str]:
    return {field.name, field.json_name}


def rivals(field: FieldDescriptor, name: str) -> tuple[Rival, ...]:
    """A field's other spelling, and the other members of its oneof."""
    twins = [(twin, False) for twin in spellings(field) - {name}]
    siblings = (
        [member for member in field.containing_oneof.fields if member is not field] if field.containing_oneof else []
    )
    return (*twins, *((other, not null_is_value(member)) for member in siblings for other in spellings(member)))


def refuse_rivals(value: dict[str, JsonValue], rivals: tuple[Rival, ...]) -> None:
    """Raises `JsonError` for an object with a name that has one of `rivals` beside it."""
    for rival, null_is_absent in rivals:
        if rival in value and not (null_is_absent and value[rival] is None):
            raise JsonError("", f"cannot stand beside {rival}")
