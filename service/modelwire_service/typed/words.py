"""The values of enums, and OpenAI's words for them."""

from collections.abc import Mapping
from typing import Final


def _words(prefix: str, *words: str) -> Mapping[str, str]:
    return {f"{prefix}_{word.upper()}": word for word in words}


ROLES: Final = _words("ROLE", "system", "developer", "user", "assistant", "tool")
REASONING_EFFORTS: Final = _words("REASONING_EFFORT", "none", "minimal", "low", "medium", "high", "xhigh", "max")
VERBOSITIES: Final = _words("VERBOSITY", "low", "medium", "high")
MODALITIES: Final = _words("MODALITY", "text", "audio", "image")
AUDIO_FORMATS: Final = _words("FORMAT", "wav", "mp3", "flac", "opus", "pcm16")
CONTEXT_SIZES: Final = _words("CONTEXT_SIZE", "low", "medium", "high")
DETAILS: Final = _words("DETAIL", "auto", "low", "high", "original")
MODES: Final = _words("MODE", "none", "auto", "required")
ASSISTANT: Final = "ROLE_ASSISTANT"
