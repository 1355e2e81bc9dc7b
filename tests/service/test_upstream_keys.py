"""How the keys of an upstream are written."""

from typing import Any

import pytest
from modelwire_service.settings import ConfigurationError, load_settings
from modelwire_service.upstream_settings import UpstreamSettings

UPSTREAM: dict[str, Any] = {"name": "a", "kind": "openai", "base_url": "http://127.0.0.1:9"}
MANY: dict[str, Any] = {"api_keys": ["sk-planted-1", "sk-planted-2"]}


def complaints_of(**fields: Any) -> list[str]:
    with pytest.raises(ConfigurationError) as raised:
        load_settings({"upstreams": [UPSTREAM | fields]})
    return raised.value.complaints


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"api_key": "k", "api_keys": ["k"]}, "upstreams[0].api_keys: api_key and api_keys exclude each other"),
        ({"api_keys_env": ["NONE_SUCH"]}, "upstreams[0].api_keys_env: the variable NONE_SUCH is not set"),
        ({"kind": "embedded", "base_url": None, **MANY}, "upstreams[0].api_keys: means nothing for kind embedded"),
    ],
)
def test_what_does_not_fit_together_is_a_complaint(fields: dict[str, Any], complaint: str) -> None:
    assert complaints_of(**fields) == [complaint]


@pytest.mark.parametrize("given", ["sk-planted", [["sk-planted"]], {"sk-planted": "sk-planted"}])
def test_no_complaint_and_no_repr_shows_one_of_several_keys(given: Any) -> None:
    assert "planted" not in repr(UpstreamSettings.model_validate(UPSTREAM | MANY))
    assert "planted" not in " ".join(complaints_of(api_keys=given))


@pytest.mark.parametrize("keys", [["good", ""], ["good", "two\nlines"], ["good", "clé"]])
def test_a_key_nobody_can_send_is_told_by_its_place(keys: list[str]) -> None:
    with pytest.raises(ValueError, match=r"api_keys\[1\] holds no key"):
        UpstreamSettings.model_validate(UPSTREAM | {"api_keys": keys}).keys({})
