import pytest
from modelwire_gateway.json_codec.errors import JsonError
from modelwire_gateway.json_codec.json_text import JsonValue
from modelwire_gateway.json_codec.times import (
    duration_fields,
    duration_text,
    mask_paths,
    mask_text,
    timestamp_fields,
    timestamp_text,
)


@pytest.mark.parametrize(
    ("text", "seconds", "nanos", "canonical"),
    [
        ("1970-01-01T00:00:00Z", 0, 0, None),
        ("0001-01-01T00:00:00Z", -62135596800, 0, None),
        ("9999-12-31T23:59:59.999999999Z", 253402300799, 999999999, None),
        ("2020-02-29T12:00:00.5Z", 1582977600, 500000000, "2020-02-29T12:00:00.500Z"),
        ("2020-02-29T12:00:00.000001Z", 1582977600, 1000, None),
        ("2020-02-29T12:00:00.000000001Z", 1582977600, 1, None),
        ("2020-02-29T14:30:00+02:30", 1582977600, 0, "2020-02-29T12:00:00Z"),
        ("2020-02-29T04:00:00-08:00", 1582977600, 0, "2020-02-29T12:00:00Z"),
        ("1969-12-31T23:59:59.1Z", -1, 100000000, "1969-12-31T23:59:59.100Z"),
    ],
)
def test_times(text: str, seconds: int, nanos: int, canonical: str | None) -> None:
    assert timestamp_fields(text) == (seconds, nanos)
    assert timestamp_text(seconds, nanos) == (canonical or text)


@pytest.mark.parametrize(
    "text",
    [
        5, None, "", "2020-01-01", "2020-01-01T00:00:00", "2020-01-01 00:00:00Z", "2020-01-01t00:00:00Z",
        "2020-01-01T00:00:00z", "2020-02-30T00:00:00Z", "2020-01-01T24:00:00Z", "2020-01-01T00:00:60Z",
        "2020-01-01T00:00:00.Z", "2020-01-01T00:00:00.1234567890Z", "2020-01-01T00:00:00+24:00", "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "2020-01-01T00:00:00Z\n", "٢٠٢٠-01-01T00:00:00Z",
    ],
)  # fmt: skip
def test_what_is_no_time(text: JsonValue) -> None:
    with pytest.raises(JsonError):
        timestamp_fields(text)


@pytest.mark.parametrize(("seconds", "nanos"), [(-62135596801, 0), (253402300800, 0), (0, -1), (0, 10**9)])
def test_times_out_of_range_are_not_written(seconds: int, nanos: int) -> None:
    with pytest.raises(JsonError, match="out of the range"):
        timestamp_text(seconds, nanos)


@pytest.mark.parametrize(
    ("text", "seconds", "nanos", "canonical"),
    [
        ("0s", 0, 0, None),
        ("-0s", 0, 0, "0s"),
        ("1.5s", 1, 500000000, "1.500s"),
        ("-0.5s", 0, -500000000, "-0.500s"),
        ("-1.000000001s", -1, -1, None),
        ("315576000000s", 315576000000, 0, None),
    ],
)
def test_durations(text: str, seconds: int, nanos: int, canonical: str | None) -> None:
    assert duration_fields(text) == (seconds, nanos)
    assert duration_text(seconds, nanos) == (canonical or text)


@pytest.mark.parametrize(
    "text", [15, "", "1", "s", "1.s", ".5s", "+1s", "1 s", "1e3s", "315576000001s", "-315576000000.1s"]
)
def test_what_is_no_duration(text: JsonValue) -> None:
    with pytest.raises(JsonError):
        duration_fields(text)


@pytest.mark.parametrize(("seconds", "nanos"), [(1, -1), (-1, 1), (315576000001, 0), (0, 10**9)])
def test_durations_out_of_range_are_not_written(seconds: int, nanos: int) -> None:
    with pytest.raises(JsonError, match="out of the range"):
        duration_text(seconds, nanos)


@pytest.mark.parametrize(
    ("text", "paths"), [("", []), ("a", ["a"]), ("fooBar,b.cD1", ["foo_bar", "b.c_d1"]), ("aBC", ["a_b_c"])]
)
def test_masks(text: str, paths: list[str]) -> None:
    assert mask_paths(text) == paths
    assert mask_text(paths) == text


@pytest.mark.parametrize("text", [["a"], "foo_bar", "é"])
def test_what_is_no_mask(text: JsonValue) -> None:
    with pytest.raises(JsonError):
        mask_paths(text)


@pytest.mark.parametrize("path", ["fooBar", "foo_3", "foo__bar", "foo_"])
def test_masks_that_do_not_come_back_are_not_written(path: str) -> None:
    with pytest.raises(JsonError, match="has no JSON form for the path"):
        mask_text([path])
