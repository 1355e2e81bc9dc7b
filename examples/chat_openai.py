"""A chat, plain and streamed, and embeddings, with OpenAI's own library."""

import os

from openai import OpenAI

client = OpenAI(base_url=os.environ.get("MODELWIRE_URL", "http://127.0.0.1:8080") + "/v1", api_key="none")

reply = client.chat.completions.create(
    model="smollm2-135m-instruct", messages=[{"role": "user", "content": "Say hello."}], max_tokens=32
)
print(reply.choices[0].message.content)

with client.chat.completions.create(
    model="smollm2-135m-instruct", messages=[{"role": "user", "content": "Say hello."}], max_tokens=32, stream=True
) as chunks:
    print(*(chunk.choices[0].delta.content or "" for chunk in chunks), sep="")

vectors = client.embeddings.create(model="all-minilm-l6-v2", input=["Hello", "Goodbye"])
print(len(vectors.data), "vectors")
