"""A chat with nothing but Python's standard library."""

import http.client
import json
import os
from urllib.parse import urlsplit

server = urlsplit(os.environ.get("MODELWIRE_URL", "http://127.0.0.1:8080"))
body = {
    "model": "smollm2-135m-instruct",
    "messages": [{"role": "user", "content": "Say hello."}],
    "max_tokens": 32,
}

connection = http.client.HTTPConnection(server.netloc, timeout=60)
connection.request("POST", "/v1/chat/completions", json.dumps(body), {"Content-Type": "application/json"})
response = connection.getresponse()
reply = json.load(response)
connection.close()

if response.status != 200:
    raise SystemExit(f"{response.status}: {reply['error']['message']}")
print(reply["choices"][0]["message"]["content"])
