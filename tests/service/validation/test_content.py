from collections.abc import Callable
from typing import Any

import pytest

TEXT = {"type": "text", "text": "hi"}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
AUDIO = {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}}
FILE = {"type": "file", "file": {"file_id": "file-1"}}
REFUSAL = {"type": "refusal", "refusal": "no"}


def said(role: str, content: Any) -> list[dict[str, Any]]:
    return [{"role": role, "content": content}]


@pytest.mark.parametrize(
    ("role", "content", "violations"),
    [
        ("user", 5, ["content: must be a string or a list of parts"]),
        ("user", {"type": "text"}, ["content: must be a string or a list of parts"]),
        ("user", [], ["content: must not be empty"]),
        ("user", ["hi"], ["content[0]: must be an object"]),
        ("user", [None], ["content[0]: must be an object"]),
        ("user", [{}], ["content[0].type: is required"]),
        ("user", [{"type": None}], ["content[0].type: is required"]),
        ("user", [{"type": 1}], ["content[0].type: must be a string"]),
        ("user", [{"type": ["text"]}], ["content[0].type: must be a string"]),
        ("user", [TEXT, {"type": "video"}], ["content[1].type: unknown part type 'video'"]),
        ("user", [{"type": "x" * 50}], [f"content[0].type: unknown part type '{'x' * 39}…'"]),
        ("user", [{"type": "a\x00"}], ["content[0].type: unknown part type 'a\\x00'"]),
        ("user", [{"type": "text"}], ["content[0].text: is required"]),
        ("user", [{"type": "text", "text": 5}], ["content[0].text: must be a string"]),
        ("user", [{"type": "image_url"}], ["content[0].image_url: is required"]),
        ("user", [{"type": "image_url", "image_url": "https://x"}], ["content[0].image_url: must be an object"]),
        ("user", [{"type": "image_url", "image_url": {}}], ["content[0].image_url.url: is required"]),
        ("user", [{"type": "image_url", "image_url": {"url": ""}}], ["content[0].image_url.url: must not be empty"]),
        (
            "user",
            [{"type": "image_url", "image_url": {"url": "u", "detail": 1}}],
            ["content[0].image_url.detail: must be a string"],
        ),
        ("user", [{"type": "input_audio"}], ["content[0].input_audio: is required"]),
        (
            "user",
            [{"type": "input_audio", "input_audio": {}}],
            ["content[0].input_audio.data: is required", "content[0].input_audio.format: is required"],
        ),
        ("user", [{"type": "file"}], ["content[0].file: is required"]),
        ("user", [{"type": "file", "file": "f"}], ["content[0].file: must be an object"]),
        ("user", [{"type": "file", "file": {}}], ["content[0].file: requires file_data or file_id"]),
        (
            "user",
            [{"type": "file", "file": {"filename": 5, "file_id": None}}],
            ["content[0].file.filename: must be a string", "content[0].file: requires file_data or file_id"],
        ),
        ("user", [{"type": "file", "file": {"file_data": ""}}], ["content[0].file.file_data: must not be empty"]),
        ("user", [{"type": "file", "file": {"file_id": ""}}], ["content[0].file.file_id: must not be empty"]),
        (
            "user",
            [REFUSAL],
            ["content[0].type: must be one of text, image_url, input_audio, file in user messages, not 'refusal'"],
        ),
        ("system", [IMAGE], ["content[0].type: must be text in system messages, not 'image_url'"]),
        ("developer", [TEXT, AUDIO], ["content[1].type: must be text in developer messages, not 'input_audio'"]),
        (
            "assistant",
            [FILE],
            ["content[0].type: must be one of text, refusal in assistant messages, not 'file'"],
        ),
        ("assistant", [{"type": "refusal"}], ["content[0].refusal: is required"]),
        ("assistant", [], ["content: must not be empty"]),
    ],
)
def test_content_that_cannot_be_read_is_named_to_the_member(
    role: str, content: Any, violations: list[str], chat_violations: Callable[..., list[str]]
) -> None:
    expected = [f"messages[0].{violation}" for violation in violations]
    assert chat_violations(messages=said(role, content)) == expected


@pytest.mark.parametrize(
    ("role", "content"),
    [
        ("user", ""),
        ("user", "NUL \x00 passes in texts"),
        ("user", [{"type": "text", "text": ""}]),
        ("user", [TEXT, IMAGE, AUDIO, FILE]),
        ("user", [IMAGE | {"cache_control": {"type": "ephemeral"}}]),
        ("user", [{"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "ultra_high"}}]),
        ("user", [{"type": "file", "file": {"file_data": "data:,x", "filename": "x.txt"}}]),
        ("system", [TEXT, TEXT]),
        ("developer", "be brief"),
        ("assistant", [TEXT, REFUSAL]),
        ("assistant", ""),
    ],
)
def test_content_that_can_be_read_passes(role: str, content: Any, chat_violations: Callable[..., list[str]]) -> None:
    assert chat_violations(messages=said(role, content)) == []


def test_tool_and_function_messages_take_text_alone(chat_violations: Callable[..., list[str]]) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": [TEXT, IMAGE]},
        {"role": "function", "name": "f", "content": [AUDIO]},
    ]
    assert chat_violations(messages=messages) == [
        "messages[1].content[1].type: must be text in tool messages, not 'image_url'",
        "messages[2].content[0].type: must be text in function messages, not 'input_audio'",
    ]
