"""LangChain in conversation; BASE_URL says where /v1 is, MODEL with whom. Prints what became of it, as JSON.

Runs in an environment of its own, which has no modelwire.
"""

import json
import os
from typing import Any, Literal

from langchain_openai import ChatOpenAI
from pydantic import BaseModel

CELSIUS = {"Oslo": 4, "Lima": 19}
QUESTION = [("system", "Be brief."), ("human", "Where is it warmer?")]


class get_weather(BaseModel):  # noqa: N801 — the name of the tool
    """Tells the weather of a city."""

    city: str


class Verdict(BaseModel):
    """What a reply must parse to."""

    reason: str
    mood: Literal["good", "bad"]


def said(model: Any, messages: list[Any], *, streamed: bool) -> Any:
    """The message of a plain reply, or the sum of a streamed one's."""
    if not streamed:
        return model.invoke(messages)
    first, *rest = model.stream(messages)
    return sum(rest, start=first)


def loop(model: Any, *, streamed: bool) -> Any:
    """Answers each call and asks again, until there are no more."""
    bound, messages, cities = model.bind_tools([get_weather]), list[Any](QUESTION), list[str]()
    while (message := said(bound, messages, streamed=streamed)).tool_calls:
        messages.append(message)
        for call in message.tool_calls:
            cities.append(call["args"]["city"])
            content = json.dumps({"celsius": CELSIUS[cities[-1]]})
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": content})
    return {"text": message.content, "cities": cities}


def streamed_with_usage(model: Any) -> Any:
    message = said(model, QUESTION, streamed=True)
    return {"text": message.content, "usage": message.usage_metadata["total_tokens"]}


def main() -> None:
    model = ChatOpenAI(
        base_url=os.environ["BASE_URL"], api_key="none", model=os.environ["MODEL"], max_retries=0, stream_usage=True
    )
    structured = model.with_structured_output(Verdict)
    results = {
        "loop": loop(model, streamed=False),
        "streamed loop": loop(model, streamed=True),
        "streamed": streamed_with_usage(model),
        "structured": structured.invoke(QUESTION).model_dump(),
        "streamed structured": list(structured.stream(QUESTION))[-1].model_dump(),
    }
    print(json.dumps(results))  # noqa: T201


main()
