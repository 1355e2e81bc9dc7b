"""golden/requests.json: what Gemini is asked for what callers ask; each row also by Google's own types."""

import json
from pathlib import Path
from typing import Any

import pytest
from modelwire_service.upstreams.base import Json
from modelwire_service.upstreams.gemini.refusals import refuse_unsupported
from modelwire_service.upstreams.gemini.request import generate_request
from support.gemini_schema import schema_errors

TABLE = json.loads((Path(__file__).parent / "golden" / "requests.json").read_text())
ROWS = [
    pytest.param(row, id=f"{part}: {row['case']}") for part, rows in TABLE.items() if part != "about" for row in rows
]
HI: Json = {"messages": [{"role": "user", "content": "Hi"}]}
CONTENTS_OF_HI: Json = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}


def translated(row: Json) -> Json:
    request = {"model": "models/gemini-2.5-flash", **HI, **row["openai"]}
    refuse_unsupported(request)
    return generate_request(request, files_url="https://gemini.example/v1beta/files", media=row.get("media", {}))


def ordered(value: Any) -> Any:
    """A value in which the order of members counts."""
    if isinstance(value, dict):
        return [(name, ordered(member)) for name, member in value.items()]
    return [ordered(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("row", ROWS)
def test_what_is_asked(row: Json) -> None:
    assert translated(row) == {**CONTENTS_OF_HI, **row["gemini"]}


@pytest.mark.parametrize("row", ROWS)
def test_what_is_asked_keeps_what_was_given(row: Json) -> None:
    before = json.dumps(row)
    translated(row)
    assert json.dumps(row) == before


@pytest.mark.parametrize("row", ROWS)
def test_google_knows_every_field_of_it(row: Json) -> None:
    assert schema_errors(translated(row)) == []


def test_properties_are_written_in_their_order() -> None:
    [row] = [row for row in TABLE["generation"] if "in the order" in row["case"]]
    schema = translated(row)["generationConfig"]["responseSchema"]
    assert ordered(schema) == ordered(row["gemini"]["generationConfig"]["responseSchema"])


def test_a_field_google_does_not_know_would_be_told() -> None:
    [complaint] = schema_errors({**CONTENTS_OF_HI, "generationConfig": {"stopWords": ["x"]}})
    assert "stopWords" in complaint
