import pytest
from modelwire_gateway.errors import RpcFailure
from modelwire_gateway.requests.query import MAX_PARAMETERS, SystemParameters, read_query


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        (b"", SystemParameters()),
        (b"name=a&Key=b", SystemParameters()),
        (b"alt=json", SystemParameters(alt="json")),
        (b"$alt=sse", SystemParameters(alt="sse")),
        (b"%24alt=sse", SystemParameters(alt="sse")),
        (b"prettyPrint=true", SystemParameters(pretty_print=True)),
        (b"$prettyPrint=false", SystemParameters()),
        (b"key=a%2Bb", SystemParameters(key="a+b")),
        (b"quotaUser=u", SystemParameters()),
    ],
)
def test_system_parameters_are_read(query: bytes, parameters: SystemParameters) -> None:
    assert read_query(query).parameters == parameters


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        (b"alt=media", "alt: must be one of json, sse"),
        (b"alt=", "alt: must be one of json, sse"),
        (b"alt=json&$alt=json", "$alt: is given more than once"),
        (b"quotaUser=a&quotaUser=a", "quotaUser: is given more than once"),
        (b"prettyPrint=yes", "prettyPrint: must be true or false"),
        (b"fields=name", "fields: is a system parameter that is not supported"),
        (b"$callback=f", "$callback: is a system parameter that is not supported"),
        (b"key=", "key: must be printable ASCII"),
        (b"key=%0Aa", "key: must be printable ASCII"),
        (b"key=%zz", "key: the query has a malformed percent-encoding"),
        (b"k\xff=1", "k\\xff: the query is not UTF-8"),
    ],
)
def test_system_parameters_that_are_not_served_are_refused(query: bytes, complaint: str) -> None:
    with pytest.raises(RpcFailure) as caught:
        read_query(query)
    assert caught.value.http_status == 400
    assert caught.value.status.message == complaint


def test_a_key_is_handed_on_as_metadata() -> None:
    assert read_query(b"key=secret").parameters.metadata() == [("x-goog-api-key", "secret")]
    assert read_query(b"alt=sse").parameters.metadata() == []


def test_fields_are_what_is_left_in_their_order() -> None:
    fields = read_query(b"b=1&alt=json&a=x+y&&$key=k&b=2&c").fields
    assert fields == (("b", "1"), ("a", "x y"), ("b", "2"), ("c", ""))


def test_parameters_have_a_limit() -> None:
    assert len(read_query(b"&".join([b"a"] * MAX_PARAMETERS)).fields) == MAX_PARAMETERS
    with pytest.raises(RpcFailure, match="more than 1000 parameters"):
        read_query(b"&".join([b"a"] * (MAX_PARAMETERS + 1)))
