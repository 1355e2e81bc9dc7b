"""Paths of OpenAI's JSON as callers of modelwire.v1 are told them."""

import pytest
from modelwire.v1 import chat_service_pb2
from modelwire_service.errors import InvalidRequest, ModelNotFound, UpstreamRefused, Violation
from modelwire_service.typed.field_names import in_v1_fields, v1_violation

PATHS = {
    "temperature": "temperature",
    "stop[1]": "stop[1]",
    "logit_bias.5": "logit_bias.5",
    'metadata["a b"]': 'metadata["a b"]',
    "modalities[0]": "modalities[0]",
    "input": "inputs",
    "input[3]": "inputs[3]",
    "messages": "messages",
    "messages[2].role": "messages[2].role",
    "messages[2].content": "messages[2].content",
    "messages[2].content[1]": "messages[2].parts.items[1]",
    "messages[2].content[1].type": "messages[2].parts.items[1]",
    "messages[2].content[1].text": "messages[2].parts.items[1].text",
    "messages[2].content[1].image_url": "messages[2].parts.items[1].image",
    "messages[2].content[1].image_url.url": "messages[2].parts.items[1].image",
    "messages[2].content[1].image_url.detail": "messages[2].parts.items[1].image.detail",
    "messages[2].content[1].input_audio.format": "messages[2].parts.items[1].audio.format",
    "messages[2].content[1].file": "messages[2].parts.items[1].file",
    "messages[2].content[1].file.file_data": "messages[2].parts.items[1].file.inline_data",
    "messages[2].content[1].cache_control": "messages[2].parts.items[1].extra_fields_json.cache_control",
    "messages[2].tool_calls[0].function.name": "messages[2].tool_calls[0].function.name",
    "messages[2].tool_calls[0].type": "messages[2].tool_calls[0]",
    "messages[2].images[0].image_url.url": "messages[2].images[0]",
    "messages[2].annotations": "messages[2].url_citations",
    "messages[2].extra_content.google.thought_signature": "messages[2].thought_signature",
    "messages[2].prefix": "messages[2].extra_fields_json.prefix",
    "tools[1]": "tools[1]",
    "tools[1].type": "tools[1]",
    "tools[1].function.name": "tools[1].function.name",
    "tools[1].function.parameters": "tools[1].function.parameters_json",
    "tools[1].function.x": "tools[1].function.extra_fields_json.x",
    "tools[1].cache_control": "tools[1].extra_fields_json.cache_control",
    "tool_choice": "tool_choice",
    "tool_choice.function.name": "tool_choice.function",
    "tool_choice.allowed_tools.mode": "tool_choice.allowed_tools.mode",
    "tool_choice.allowed_tools.tools": "tool_choice.allowed_tools.functions",
    "tool_choice.allowed_tools.tools[4].function.name": "tool_choice.allowed_tools.functions[4]",
    "response_format.type": "response_format",
    "response_format.json_schema.schema": "response_format.json_schema.schema_json",
    "response_format.json_schema.name": "response_format.json_schema.name",
    "response_format.x": "response_format.extra_fields_json.x",
    "audio.voice": "audio.voice",
    "audio.format": "audio.format",
    "prediction.content[0].text": "prediction",
    "web_search_options.user_location.approximate.city": "web_search_options.user_location.city",
    "extra_body": "extra_body_json",
    "top_k": "extra_fields_json.top_k",
    "max_tokens": "extra_fields_json.max_tokens",
    "": "",
}


@pytest.mark.parametrize(("path", "told"), PATHS.items(), ids=PATHS)
def test_a_path_is_that_of_the_field_that_said_it(path: str, told: str) -> None:
    assert v1_violation(Violation(path, "is wrong")) == Violation(told, "is wrong")


@pytest.mark.parametrize(
    ("path", "field", "within"),
    [
        ("tools[1].function.parameters.properties.a", "tools[1].function.parameters_json", "properties.a"),
        ("tools[0].function.parameters.anyOf[2].x", "tools[0].function.parameters_json", "anyOf[2].x"),
        ("response_format.json_schema.schema.$ref", "response_format.json_schema.schema_json", "$ref"),
        ("extra_body.google.thinking_config", "extra_body_json.google", "thinking_config"),
        ("top_k[3].a", "extra_fields_json.top_k", "[3].a"),
    ],
)
def test_what_stands_within_json_text_is_told_before_the_reason(path: str, field: str, within: str) -> None:
    assert v1_violation(Violation(path, "is wrong")) == Violation(field, f"{within}: is wrong")


def test_errors_that_name_no_field_are_as_they_were() -> None:
    error = ModelNotFound("m", [])
    assert in_v1_fields(error) is error


def test_errors_name_the_fields_of_modelwire_v1() -> None:
    refused = UpstreamRefused("no", http_status=400, param="messages[0].content[0].image_url.url")
    assert (
        in_v1_fields(refused).violations_told()
        == UpstreamRefused("no", http_status=400, param="messages[0].parts.items[0].image").violations_told()
    )
    assert str(in_v1_fields(InvalidRequest.of("input[0]", "must not be empty"))) == "inputs[0]: must not be empty"


def test_every_field_of_a_request_is_known() -> None:
    names = set(chat_service_pb2.CreateChatCompletionRequest.DESCRIPTOR.fields_by_name)
    names -= {"extra_fields_json", "extra_body_json"}
    assert {name: v1_violation(Violation(name, "")).field for name in names} == {name: name for name in names}
