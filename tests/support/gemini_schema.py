"""Requests of the Gemini API, checked against the types of Google's own client, which forbid what they do not name."""

from typing import Any

from google.genai import types
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", alias_generator=to_camel)


class GenerateContentRequest(_Strict):
    """The body of generateContent, whose parts the client has types for and whose whole it puts together by hand."""

    contents: list[types.Content]
    system_instruction: types.Content | None = None
    tools: list[types.Tool] | None = None
    tool_config: types.ToolConfig | None = None
    generation_config: types.GenerationConfig | None = None
    safety_settings: list[types.SafetySetting] | None = None
    cached_content: str | None = None
    service_tier: types.ServiceTier | None = None
    store: bool | None = None


class EmbedContentRequest(_Strict):
    model: str
    content: types.Content
    output_dimensionality: int | None = None


class BatchEmbedContentsRequest(_Strict):
    requests: list[EmbedContentRequest]


def schema_errors(body: Any) -> list[str]:
    """What is wrong with the body of a generateContent or batchEmbedContents call, one line each."""
    kind = BatchEmbedContentsRequest if isinstance(body, dict) and "requests" in body else GenerateContentRequest
    try:
        kind.model_validate(body)
    except ValidationError as error:
        return [f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}" for detail in error.errors(include_url=False)]
    return []
