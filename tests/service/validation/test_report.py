import pytest
from modelwire_gateway.json_codec import JsonError
from modelwire_service.errors import InvalidRequest
from modelwire_service.validation.report import MAX_VIOLATIONS, Path, Report, shown, written

PATHS: list[tuple[Path, str]] = [
    (("model",), "model"),
    (("messages", 2, "role"), "messages[2].role"),
    (("messages", 0, "content", 1, "image_url", "url"), "messages[0].content[1].image_url.url"),
    (("metadata", "trace_id"), "metadata.trace_id"),
    (("logit_bias", "50256"), "logit_bias.50256"),
    (("metadata", "a b"), 'metadata["a b"]'),
    (("metadata", ""), 'metadata[""]'),
    (("metadata", "a.b"), 'metadata["a.b"]'),
    (("metadata", "é"), 'metadata["é"]'),
    (("metadata", "line\nbreak"), 'metadata["line\\nbreak"]'),
    (("metadata", "\u202ex"), 'metadata["\\u202ex"]'),
    (("metadata", "k" * 41), f"metadata.{'k' * 39}…"),
    (("metadata", " " * 41), f'metadata["{39 * " "}…"]'),
]


@pytest.mark.parametrize(("path", "text"), PATHS)
def test_a_path_is_written_as_callers_would_write_it(path: Path, text: str) -> None:
    assert written(path) == text


@pytest.mark.parametrize(("path", "text"), PATHS)
def test_the_gateway_writes_paths_alike(path: Path, text: str) -> None:
    assert JsonError("", "is wrong").inside(*reversed(path)).path == text


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("robot", "'robot'"),
        ("", "''"),
        ("x" * 40, "'" + "x" * 40 + "'"),
        ("x" * 41, "'" + "x" * 39 + "…'"),
        ("\x00\x1b[31m", "'\\x00\\x1b[31m'"),
        ("\ud800", "'\\ud800'"),
        ("\u202egnp.exe", "'\\u202egnp.exe'"),
    ],
)
def test_a_callers_text_is_quoted_escaped_and_clipped(text: str, quoted: str) -> None:
    assert shown(text) == quoted


def test_an_empty_report_raises_nothing() -> None:
    Report().raise_if_any()


def test_a_report_raises_all_it_holds_in_the_order_found() -> None:
    report = Report()
    report.add(("b",), "is required")
    report.add(("a", 0), "must be a string")
    with pytest.raises(InvalidRequest) as caught:
        report.raise_if_any()
    assert [str(violation) for violation in caught.value.violations] == ["b: is required", "a[0]: must be a string"]


def test_a_full_report_ends_the_work() -> None:
    report = Report()
    for index in range(MAX_VIOLATIONS - 1):
        report.add(("messages", index), "must be an object")
    with pytest.raises(InvalidRequest) as caught:
        report.add(("last",), "is required")
    assert len(caught.value.violations) == MAX_VIOLATIONS
    assert caught.value.violations[-1].field == "last"
