"""The whole of modelwire in front of the scripted model, behind either API."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

from modelwire_service.upstream_settings import UpstreamSettings
from support.scripted_gemini import KEY, ScriptedGemini
from support.scripted_model import answer_as_gemini, answer_as_openai
from support.scripted_upstream import ScriptedUpstream
from support.stack import Stack, openai_settings, running_stack

Kind = Literal["gemini", "openai"]
MODELS: dict[Kind, str] = {"gemini": "gemini-3-flash-preview", "openai": "scripted"}
"""What clients call the model, by the kind of its upstream."""


@dataclass(frozen=True)
class Conversation:
    """Where to talk, to which model, and the upstream behind, to script otherwise."""

    stack: Stack
    model: str
    upstream: ScriptedGemini | ScriptedUpstream


@asynccontextmanager
async def conversing(kind: Kind) -> AsyncIterator[Conversation]:
    """Serves the model behind the API of that kind until the block ends."""
    upstream = _gemini() if kind == "gemini" else _openai()
    async with upstream.listening(), running_stack(_settings(upstream)) as stack:
        yield Conversation(stack, MODELS[kind], upstream)


def _gemini() -> ScriptedGemini:
    upstream = ScriptedGemini(f"models/{MODELS['gemini']}")
    upstream.answer = answer_as_gemini
    return upstream


def _openai() -> ScriptedUpstream:
    upstream = ScriptedUpstream(MODELS["openai"])
    upstream.answer = answer_as_openai
    return upstream


def _settings(upstream: ScriptedGemini | ScriptedUpstream) -> UpstreamSettings:
    if isinstance(upstream, ScriptedUpstream):
        return openai_settings(upstream.url)
    settings = {"name": "scripted", "kind": "gemini", "base_url": upstream.url, "api_key": KEY}
    return UpstreamSettings.model_validate(settings)
