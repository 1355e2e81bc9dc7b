import pytest
from modelwire_gateway.openapi.paths import shape, slots, with_names
from modelwire_gateway.routing.path_template import parse_template


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("/", "/"),
        ("/v1/things", "/v1/things"),
        ("/v1/{a}", "/v1/{a}"),
        ("/v1/{a}:close", "/v1/{a}:close"),
        ("/v1:close", "/v1:close"),
        ("/v1/{a.b}/{c}", "/v1/{a.b}/{c}"),
        ("/v1/{a=**}", "/v1/{a}"),
        ("/v1/{a=*}/end", "/v1/{a}/end"),
        ("/v1/{a=shelves/*}", "/v1/shelves/{shelvesId}"),
        ("/v1/{name=shelves/*/books/*}:move", "/v1/shelves/{shelvesId}/books/{booksId}:move"),
        ("/v1/{name=shelves/*/books/**}/end", "/v1/shelves/{shelvesId}/books/{booksId}/end"),
        ("/v1/{a=x/**/end}/{b=last}", "/v1/x/{xId}/end/last"),
        ("/v1/{name=*/*}", "/v1/{v1Id}/{segment}"),
        ("/v1/{name=*/*/*}", "/v1/{v1Id}/{segment}/{segment2}"),
        ("/x/*/x/*", "/x/{xId}/x/{xId2}"),
        ("/9/*", "/9/{segment}"),
        ("/my-things/*", "/my-things/{mythingsId}"),
        ("/x/{xId}/{a=x/*}", "/x/{xId}/x/{xId2}"),
        ("/v1/{name=things}", "/v1/things"),
        ("/a%20b/%7Bc%7D/%2A/%3A/%C3%A9/{a}", "/a%20b/%7Bc%7D/%2A/%3A/%C3%A9/{a}"),
        ("/a(b)/{a}:go%7Bx", "/a(b)/{a}:go%7Bx"),
    ],
)
def test_a_template_becomes_a_path(template: str, path: str) -> None:
    parsed = parse_template(template)
    assert with_names(shape(parsed), [slot.name for slot in slots(parsed)]) == path


def test_an_expression_knows_what_it_stands_for() -> None:
    found = slots(parse_template("/v1/{a}/*/{b=x/*/**}/end"))
    assert [(slot.variable, slot.whole, slot.pattern, slot.slashes) for slot in found] == [
        (0, True, "*", False),
        (None, False, "*", False),
        (1, False, "x/*/**", False),
        (1, False, "x/*/**", True),
    ]
