"""Which vendor's profile an upstream gets."""

import pytest
from modelwire_service.settings import ConfigurationError, load_settings
from modelwire_service.upstreams.openai.profiles import PLAIN, PROFILES, profile_for
from modelwire_service.upstreams.openai.requests import request_repair
from modelwire_service.upstreams.registry import build_catalog
from support.stack import openai_settings


@pytest.mark.parametrize(
    ("base_url", "profile"),
    [
        ("https://generativelanguage.googleapis.com/v1beta/openai", "gemini"),
        ("https://GenerativeLanguage.googleapis.com:443/v1beta", "gemini"),
        ("https://api.aimlapi.com/v1", "aimlapi"),
        ("https://openrouter.ai/api/v1", "openrouter"),
        ("https://ollama.com/v1", "ollama"),
        ("http://127.0.0.1:11434/v1", "ollama"),
        ("http://gpu.example.net:11434/v1", "ollama"),
        ("https://api.openai.com/v1", "plain"),
        ("http://127.0.0.1:8000/v1", "plain"),  # vLLM's port, and everybody's
        ("http://127.0.0.1:8080/v1", "plain"),  # llama-server's, likewise
        ("https://openrouter.ai.example.net/api/v1", "plain"),
        ("https://notopenrouter.ai/api/v1", "plain"),
    ],
)
def test_a_base_url_tells_the_profile(base_url: str, profile: str) -> None:
    assert profile_for(base_url).name == profile


def test_the_plain_profile_repairs_nothing() -> None:
    assert request_repair(PLAIN) is None
    assert not PLAIN.repairs_answers


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_every_profile_can_be_configured(name: str) -> None:
    build_catalog([openai_settings("http://127.0.0.1:9/v1", profile=name)], {})


def complaints_of(upstream: dict[str, object]) -> list[str]:
    with pytest.raises(ConfigurationError) as raised:
        load_settings({"upstreams": [{"name": "a", **upstream}]})
    return raised.value.complaints


def test_an_unknown_profile_is_a_complaint_that_lists_them() -> None:
    complaints = complaints_of({"kind": "openai", "base_url": "http://127.0.0.1:9/v1", "profile": "vlm"})
    known = "aimlapi, gemini, llama-server, ollama, openrouter, plain, vllm"
    assert complaints == [f"upstreams[0].profile: must be one of {known}"]


def test_a_profile_is_of_kind_openai_alone() -> None:
    complaints = complaints_of({"kind": "embedded", "profile": "vllm"})
    assert complaints == ["upstreams[0].profile: means nothing for kind embedded"]


@pytest.mark.parametrize("weight", [-1, 1001, 1.5, "heavy"])
def test_a_weight_is_a_whole_number_from_0_to_1000(weight: object) -> None:
    [complaint] = complaints_of({"kind": "embedded", "weight": weight})
    assert complaint.startswith("upstreams[0].weight: ")


def test_one_alias_may_be_given_to_several_upstreams() -> None:
    upstreams = [{"name": name, "kind": "embedded", "aliases": {"fast": name}} for name in ("a", "b")]
    assert len(load_settings({"upstreams": upstreams}).upstreams) == 2
