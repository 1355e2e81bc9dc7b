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


@pytest.mark.parametrize("option", ["forwarded_headers", "exposed_metadata"])
class TestNamesOfHeaders:
    def test_they_count_in_any_case(self, option: str) -> None:
        options = GatewayOptions(**{option: frozenset({"X-Tenant", "cookie"})})  # type: ignore[arg-type]
        assert getattr(options, option) == {"x-tenant", "cookie"}

    def test_a_text_is_no_set_of_names(self, option: str) -> None:
        with pytest.raises(TypeError, match=f"{option}: must be a set of names"):
            GatewayOptions(**{option: "Authorization"})  # type: ignore[arg-type]
