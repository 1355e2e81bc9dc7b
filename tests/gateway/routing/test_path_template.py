import pytest
from modelwire_gateway.routing.path_template import TemplateError, Variable, Wildcard, parse_template

ONE, MANY = Wildcard.ONE, Wildcard.MANY


@pytest.mark.parametrize(
    ("text", "segments", "verb", "variables"),
    [
        ("/", (), "", ()),
        ("/v1", ("v1",), "", ()),
        ("/v1/*/a/**", ("v1", ONE, "a", MANY), "", ()),
        ("/v1:go", ("v1",), "go", ()),
        ("/**:go", (MANY,), "go", ()),
        ("/v1/{a}", ("v1", ONE), "", (Variable("a", 1, 2, True),)),
        ("/v1/{a=*}", ("v1", ONE), "", (Variable("a", 1, 2, True),)),
        ("/v1/{a.b_1.c}:go", ("v1", ONE), "go", (Variable("a.b_1.c", 1, 2, True),)),
        ("/{a=x/*/y}/z", ("x", ONE, "y", "z"), "", (Variable("a", 0, 3, False),)),
        ("/{a}/{b}", (ONE, ONE), "", (Variable("a", 0, 1, True), Variable("b", 1, 2, True))),
        ("/{a=x}", ("x",), "", (Variable("a", 0, 1, True),)),
        ("/a/{b=**}", ("a", MANY), "", (Variable("b", 1, -1, False),)),
        ("/a/{b=c/**}/d/e", ("a", "c", MANY, "d", "e"), "", (Variable("b", 1, -3, False),)),
        ("/a/{b=c/**/d}/e:go", ("a", "c", MANY, "d", "e"), "go", (Variable("b", 1, -2, False),)),
        ("/a/{b}/**", ("a", ONE, MANY), "", (Variable("b", 1, 2, True),)),
        ("/**/{a=x/y}/z", (MANY, "x", "y", "z"), "", (Variable("a", -4, -2, False),)),  # literals may be captured
        ("/a%20b%3Ac:x%41", ("a b:c",), "xA", ()),
        ("/%2A/%2a%2A", ("*", "**"), "", ()),  # literals, though they look like wildcards
        ("/a-b_c.d~e!f$g&h'i(j)k+l,m;n=o@p", ("a-b_c.d~e!f$g&h'i(j)k+l,m;n=o@p",), "", ()),
    ],
)
def test_a_template_is_parsed_flat(
    text: str, segments: tuple[str, ...], verb: str, variables: tuple[Variable, ...]
) -> None:
    template = parse_template(text)
    assert (str(template), template.segments, template.verb, template.variables) == (text, segments, verb, variables)


def test_an_encoded_star_is_told_from_a_wildcard() -> None:
    literal, wildcard = parse_template("/%2A/*").segments
    assert literal is not ONE
    assert wildcard is ONE


@pytest.mark.parametrize(
    ("text", "column", "reason"),
    [
        ("", 1, "starts with '/'"),
        ("v1", 1, "starts with '/'"),
        ("//", 2, "a segment is missing"),
        ("/v1/", 5, "a segment is missing"),
        ("/:go", 2, "a segment is missing"),
        ("/v1:", 5, "a verb is missing"),
        ("/v1:*", 5, "a verb is missing"),
        ("/v1:a:b", 6, "':' is not expected"),  # Google's matcher could not tell which colon is meant
        ("/v1:go/x", 7, "'/' is not expected"),
        ("/v1?x", 4, "'?' is not expected"),
        ("/v1/ä", 5, "must be percent-encoded"),
        ("/v1/%zz", 5, "must be percent-encoded"),
        ("/v1/%FF", 5, "not UTF-8"),
        ("/***", 4, "'*' is not expected"),
        ("/a*", 3, "'*' is not expected"),
        ("/a{b}", 3, "'{' is not expected"),
        ("/{b}a", 5, "'a' is not expected"),
        ("/{a", 4, "'}' is missing"),
        ("/{}", 3, "a field name is missing"),
        ("/{a.}", 5, "a field name is missing"),
        ("/{1a}", 3, "a field name is missing"),
        ("/{a=}", 5, "a segment is missing"),
        ("/{a=/b}", 5, "a segment is missing"),
        ("/{a=b:go}", 6, "'}' is missing"),
        ("/{a=b/{c}}", 7, "cannot hold another"),
        ("/{a}/{a}", 6, "'a' stands twice"),
        ("/**/**", 5, "only literals may follow '**'"),
        ("/**/x/*", 7, "only literals may follow '**'"),
        ("/**/{a}", 5, "only literals may follow '**'"),
        ("/{a=**}/{b=x/*}", 14, "only literals may follow '**'"),
    ],
)
def test_a_broken_template_is_refused_at_its_column(text: str, column: int, reason: str) -> None:
    with pytest.raises(TemplateError) as caught:
        parse_template(text)
    assert reason in caught.value.reason
    assert caught.value.column == column
    assert repr(text) in str(caught.value)
