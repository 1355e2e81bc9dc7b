"""What header values that name kinds of content say."""

import pytest
from modelwire_gateway.content_types import media_type, weighed


@pytest.mark.parametrize(
    ("content_type", "kind"),
    [
        ("application/json", "application/json"),
        (" Text/HTML ; charset=utf-8", "text/html"),
        ("", ""),
    ],
)
def test_a_media_type_is_told_without_its_parameters(content_type: str, kind: str) -> None:
    assert media_type(content_type) == kind


@pytest.mark.parametrize(
    ("choices", "weights"),
    [
        ("gzip", {"gzip": 1.0}),
        ("GZIP;Q=0.5, br ; q=0", {"gzip": 0.5, "br": 0.0}),
        ("text/html;level=1;q=0.7", {"text/html": 0.7}),
        ("text/event-stream;freq=0.1", {"text/event-stream": 1.0}),
        ("gzip;q=1.5, br;q=much, zstd;q=0.1234", {"gzip": 0.0, "br": 0.0, "zstd": 0.0}),
        ("a;q=1, b;q=1.000, c;q=0., d;q=.5", {"a": 1.0, "b": 1.0, "c": 0.0, "d": 0.0}),
    ],
)
def test_choices_have_the_weights_that_can_be_read(choices: str, weights: dict[str, float]) -> None:
    assert weighed(choices) == weights
