"""What servers behind kind `openai` do otherwise than OpenAI, vendor by vendor.

A profile only switches repairs on. Three of them act on requests: what a vendor refuses or ignores although it means
something is refused here, by name; what is harmless is left out; the rest is said in the vendor's own words. The
others act on answers. The plain profile switches nothing on and costs nothing.

A profile is chosen by name, or else by the host or the port of the base URL. vLLM and llama-server listen where
everybody does (8000, 8080) and are chosen by name alone.

Sources: Google's API discovery and documentation of its OpenAI endpoint; aimlapi's OpenAPI document of
gemini-1.5-pro; OpenRouter's documentation; the sources of Ollama, vLLM and llama.cpp.
"""

from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urlsplit

LimitName = Literal["max_tokens", "max_completion_tokens"]

_CORE: Final = frozenset({"model", "messages", "stream", "stop", "temperature", "top_p", "tools"})


@dataclass(frozen=True, slots=True)
class Profile:
    """The repairs one vendor's server needs. All defaults together are OpenAI's own server."""

    name: str
    vendor: str = "this upstream"
    """What refusals call it."""
    hosts: tuple[str, ...] = ()
    """Hosts it is recognised by."""
    ports: tuple[int, ...] = ()

    taken: frozenset[str] | None = None
    """The members of a chat request it takes; None is any. Others are left out or refused."""
    unheeded: frozenset[str] = frozenset()
    """Members it takes and ignores, though they mean something. Left out or refused like those not taken."""
    limit_name: LimitName | None = None
    """Its name for the limit on tokens; None where it reads both."""
    lowest_top_p: float = 0.0
    tool_choice_by_word: bool = False
    """Reads `required`, not the name of a tool: one named becomes the only tool there is."""
    knows_allowed_tools: bool = True
    """Reads `allowed_tools`; where not, those allowed become the only tools there are."""
    closed_messages: bool = False
    """Refuses members of messages and tools it does not know; contents are texts, but for a user's; tools have
    descriptions."""
    text_tool_results: bool = False
    """Reads results of tools as texts only."""
    reads_reasoning: bool = False
    """Reads `reasoning` in messages, not `reasoning_content`."""
    embeddings_have_user: bool = True
    most_texts: int | None = None
    """How many texts one call for embeddings may have."""

    writes_reasoning: bool = False
    """Answers `reasoning`, not `reasoning_content`."""
    thoughts_in_content: bool = False
    """Answers thoughts as content within `<thought>` and `</thought>`."""
    no_choices_when_blocked: bool = False
    """Answers a blocked prompt without choices, or without a message."""
    thoughts_not_counted: bool = False
    """Counts thoughts in total_tokens, not in completion_tokens."""

    @property
    def repairs_answers(self) -> bool:
        return (
            self.writes_reasoning
            or self.thoughts_in_content
            or self.no_choices_when_blocked
            or self.thoughts_not_counted
        )


PLAIN: Final = Profile("plain")

GEMINI: Final = Profile(
    "gemini",
    vendor="Gemini's OpenAI endpoint",
    hosts=("generativelanguage.googleapis.com",),
    taken=_CORE
    | {
        "stream_options", "tool_choice", "n", "max_tokens", "max_completion_tokens", "response_format",
        "presence_penalty", "parallel_tool_calls", "user", "modalities", "audio", "reasoning_effort", "service_tier",
        "extra_body",
    },
    knows_allowed_tools=False,
    embeddings_have_user=False,
    most_texts=100,
    thoughts_in_content=True,
    no_choices_when_blocked=True,
    thoughts_not_counted=True,
)  # fmt: skip

# `taken` is what aimlapi's schema names. It has neither n nor seed, which an older one had (at /v2): nothing says that
# they are heeded, so they are refused rather than lost.
# Replies end at 512 tokens where max_tokens is not given: that default is aimlapi's, and nothing is sent in its place.
AIMLAPI: Final = Profile(
    "aimlapi",
    vendor="aimlapi",
    hosts=("api.aimlapi.com",),
    taken=_CORE | {"tool_choice", "max_tokens", "presence_penalty", "frequency_penalty", "logit_bias"},
    limit_name="max_tokens",
    lowest_top_p=0.1,
    knows_allowed_tools=False,
    closed_messages=True,
    text_tool_results=True,
)

OPENROUTER: Final = Profile(
    "openrouter",
    vendor="OpenRouter",
    hosts=("openrouter.ai",),
    limit_name="max_tokens",
    knows_allowed_tools=False,
    writes_reasoning=True,
)

VLLM: Final = Profile(
    "vllm",
    vendor="vLLM",
    unheeded=frozenset({"web_search_options", "audio", "verbosity"}),
    knows_allowed_tools=False,
    writes_reasoning=True,
)

LLAMA_SERVER: Final = Profile(
    "llama-server",
    vendor="llama-server",
    unheeded=frozenset({"web_search_options", "audio", "modalities", "verbosity"}),
    limit_name="max_tokens",
    tool_choice_by_word=True,
    knows_allowed_tools=False,
)

OLLAMA: Final = Profile(
    "ollama",
    vendor="Ollama's OpenAI endpoint",
    hosts=("ollama.com",),
    ports=(11434,),
    taken=_CORE
    | {
        "stream_options", "max_tokens", "seed", "presence_penalty", "frequency_penalty", "response_format",
        "reasoning", "reasoning_effort", "logprobs", "top_logprobs",
    },
    limit_name="max_tokens",
    knows_allowed_tools=False,
    text_tool_results=True,
    reads_reasoning=True,
    writes_reasoning=True,
)  # fmt: skip

PROFILES: Final = {
    profile.name: profile for profile in (PLAIN, GEMINI, AIMLAPI, OPENROUTER, VLLM, LLAMA_SERVER, OLLAMA)
}


def profile_for(base_url: str) -> Profile:
    """The profile of the server at a base URL, the plain one where nothing tells."""
    parts = urlsplit(base_url)
    host = (parts.hostname or "").lower()
    known = (profile for profile in PROFILES.values() if host in profile.hosts or parts.port in profile.ports)
    return next(known, PLAIN)
