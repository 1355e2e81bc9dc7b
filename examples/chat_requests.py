"""A chat whose reply streams in, with Python's requests."""

import json
import os

import requests

server = os.environ.get("MODELWIRE_URL", "http://127.0.0.1:8080")
body = {
    "model": "smollm2-135m-instruct",
    "messages": [{"role": "user", "content": "Say hello."}],
    "max_tokens": 32,
    "stream": True,
}

with requests.post(f"{server}/v1beta/chat/completions", json=body, stream=True, timeout=60) as response:
    if not response.ok:
        raise SystemExit(f"{response.status_code}: {response.json()['error']['message']}")
    for line in response.iter_lines():
        event = line.removeprefix(b"data: ")
        if event and event != b"[DONE]":
            delta = json.loads(event)["choices"][0]["delta"]
            print(delta.get("content") or "", end="", flush=True)
print()
