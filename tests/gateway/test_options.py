from dataclasses import fields
from pathlib import Path

import pytest
from modelwire_gateway.options import GatewayOptions, JsonOptions

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize(
    ("page", "option"),
    [
        *(("transcoding.md", option.name) for option in fields(GatewayOptions)),
        *(("json.md", option.name) for option in fields(JsonOptions)),
    ],
)
def test_every_option_is_documented(page: str, option: str) -> None:
    assert f"`{option}`" in (DOCS / page).read_text()
