"""LangChain over REST: a reply, a stream, a call of a tool, embeddings."""

import os
from typing import Any

from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings

SERVER: Any = {
    "base_url": os.environ.get("MODELWIRE_URL", "http://127.0.0.1:8080") + "/v1",
    "api_key": os.environ.get("MODELWIRE_API_KEY", "none"),  # the client wants one; a server without keys reads none
}
CHAT = ChatOpenAI(model="smollm2-135m-instruct", temperature=0, max_completion_tokens=24, **SERVER)
# The client would cut texts to fit OpenAI's models, by their tokens. The texts themselves fit any model.
EMBEDDINGS = OpenAIEmbeddings(model="all-minilm-l6-v2", check_embedding_ctx_length=False, **SERVER)


@tool
def get_weather(city: str) -> str:
    """Tells the weather of a city."""
    return f"In {city} it is 21 °C."


def main() -> None:
    print("reply:", CHAT.invoke("Say hello to me.").text)
    print("stream:", "".join(chunk.text for chunk in CHAT.stream("Say hello to me.")))

    question = HumanMessage("What is the weather in Paris?")
    asked = CHAT.bind_tools([get_weather], tool_choice="get_weather").invoke([question])
    results: list[ToolMessage] = [get_weather.invoke(call) for call in asked.tool_calls]
    print("tool:", results[0].content)
    print("answer:", CHAT.invoke([question, asked, *results]).text)

    vectors = EMBEDDINGS.embed_documents(["Hello", "Goodbye"])
    print(f"embeddings: {len(vectors)} vectors of {len(vectors[0])} values")


main()
