"""The google.api.http rules of a service, resolved against its descriptors."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from google.api import annotations_pb2
from google.api.http_pb2 import HttpRule
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor

from modelwire_gateway.backends.base import Rpc
from modelwire_gateway.routing.field_paths import (
    TIMES,
    WRAPPERS,
    FieldPath,
    FieldPathError,
    by_proto_name,
    numbers,
    oneof_choices,
    resolve,
)
from modelwire_gateway.routing.path_template import PathTemplate, TemplateError, Variable, parse_template

Complain = Callable[[str], None]
Body = FieldDescriptor | Literal["*"] | None

_HTTP_BODY: Final = "google.api.HttpBody"


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """One way to reach one method over HTTP (google/api/http.proto). No route equals another."""

    rpc: Rpc
    http_method: str
    """`*` stands for every method."""
    template: PathTemplate
    variables: tuple[FieldPath, ...]
    """The fields of the template's variables, in their order."""
    body: Body
    """The field that the body is read into, `*` for the whole request, None where no body is taken."""
    response_body: FieldDescriptor | None
    """The field of the response that is answered in place of the whole."""
    answers_http_body: bool
    """Whether the answer is a google.api.HttpBody, the whole response or its field, whose bytes are passed on."""
    takes_http_body: bool
    """Whether the body becomes a google.api.HttpBody, as it is."""
    bound: frozenset[tuple[int, ...]]
    """The fields that path and body bind, by their numbers: none of a query's business."""
    chosen: dict[tuple[int | str, ...], int]
    """The members that path and body choose of oneofs (`field_paths.oneof_choices`)."""

    def binds(self, path: FieldPath) -> bool:
        """Whether path or body bind a field or what it stands in, or choose another member of its oneof."""
        place = numbers(path)
        return any(place[:depth] in self.bound for depth in range(1, len(place) + 1)) or any(
            self.chosen.get(oneof, member) != member for oneof, member in oneof_choices(path)
        )


def routes_of(method: MethodDescriptor, complain: Complain) -> Iterator[Route]:
    """The routes of a method, its additional bindings included; each defect is told to `complain` instead."""
    options = method.GetOptions()
    if not options.HasExtension(annotations_pb2.http):
        return
    rule = options.Extensions[annotations_pb2.http]
    yield from _route(method, rule, complain)
    for additional in rule.additional_bindings:
        if additional.additional_bindings:
            complain("additional_bindings stand inside additional_bindings")
        yield from _route(method, additional, complain)


def _route(method: MethodDescriptor, rule: HttpRule, complain: Complain) -> Iterator[Route]:
    http_method, path = _pattern(rule)
    if not (http_method and path):
        complain("a rule has no HTTP method and path")
        return
    try:
        template = parse_template(path)
    except TemplateError as error:
        complain(str(error))
        return
    flaws: list[str] = []
    variables = tuple(_variable(method.input_type, variable, flaws.append) for variable in template.variables)
    body = _body(method.input_type, rule.body, flaws.append)
    response_body = _top_level(method.output_type, "response_body", rule.response_body, flaws.append)
    for flaw in flaws:
        complain(f"template {path!r}: {flaw}")
    if not flaws:
        yield _resolved(method, http_method, template, variables, body, response_body)


def _resolved(
    method: MethodDescriptor,
    http_method: str,
    template: PathTemplate,
    variables: tuple[FieldPath, ...],
    body: Body,
    response_body: FieldDescriptor | None,
) -> Route:
    bound = variables if body is None or body == "*" else (*variables, (body,))
    return Route(
        Rpc.of(method),
        http_method,
        template,
        variables,
        body,
        response_body,
        answers_http_body=_is_http_body(_message(method.output_type, response_body)),
        takes_http_body=body is not None and _is_http_body(_message(method.input_type, body)),
        bound=frozenset(numbers(path) for path in bound),
        chosen={place: member for path in bound for place, member in oneof_choices(path)},
    )


def _pattern(rule: HttpRule) -> tuple[str, str]:
    kind = rule.WhichOneof("pattern")
    if kind is None:
        return "", ""
    if kind == "custom":
        return rule.custom.kind, rule.custom.path
    return kind.upper(), getattr(rule, kind)


def _variable(request: Descriptor, variable: Variable, complain: Complain) -> FieldPath:
    """The field of a path variable: one value, a scalar or a message that a path may well name."""
    try:
        path = resolve(request, variable.field_path.split("."), by_proto_name)
    except FieldPathError as error:
        complain(f"the variable {variable.field_path!r} {error}")
        return ()
    field = path[-1]
    if field.is_repeated:
        complain(f"the variable {variable.field_path!r} ends at a repeated field")
    # Of messages, only those whose text form replaces all that a body said of them: the others would merge.
    if field.message_type is not None and field.message_type.full_name not in WRAPPERS | TIMES:
        complain(f"the variable {variable.field_path!r} ends at a {field.message_type.full_name}")
    return path


def _body(request: Descriptor, name: str, complain: Complain) -> Body:
    return "*" if name == "*" else _top_level(request, "body", name, complain)


def _message(whole: Descriptor, part: Body) -> Descriptor | None:
    """The type of the field that a rule names, or of the whole message; None where that is no single message."""
    if part is None or part == "*":
        return whole
    return None if part.is_repeated else part.message_type


def _is_http_body(message: Descriptor | None) -> bool:
    return message is not None and message.full_name == _HTTP_BODY


def _top_level(message: Descriptor, what: str, name: str, complain: Complain) -> FieldDescriptor | None:
    if not name:
        return None
    field = by_proto_name(message).get(name)
    if field is None:
        complain(f"{what} names no field {name!r} of {message.full_name}")
    return field
