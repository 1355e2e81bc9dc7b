// The official Node client against the server a newcomer gets; BASE_URL says where its /v1 is.

import assert from "node:assert/strict";
import { test } from "node:test";

import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";

const CHAT_MODEL = "smollm2-135m-instruct";
const EMBEDDING_MODEL = "all-minilm-l6-v2";
const DIMENSIONS = 384;
const SHORT = {
  model: CHAT_MODEL,
  messages: [{ role: "user", content: "Say hello." }],
  max_tokens: 8,
  temperature: 0,
  seed: 1,
};
const LONG_ENOUGH_FOR_JSON = { ...SHORT, max_tokens: 48 };
const WEATHER = {
  type: "function",
  function: {
    name: "get_weather",
    description: "Tells the weather of a city.",
    parameters: {
      type: "object",
      properties: { city: { type: "string", enum: ["Oslo", "Lima"] } },
      required: ["city"],
      additionalProperties: false,
    },
  },
};
const NAMED = { type: "function", function: { name: "get_weather" } };
const Greeting = z.object({ language: z.enum(["English", "Norwegian"]) });

const client = new OpenAI({ baseURL: process.env.BASE_URL, apiKey: "none", maxRetries: 0, timeout: 60_000 });

async function chunksOf(request) {
  return Array.fromAsync(await client.chat.completions.create({ ...request, stream: true }));
}

// The shape of every streamed reply of one choice, but for its content and usage.
function checkChunks(chunks) {
  assert.equal(new Set(chunks.map((chunk) => `${chunk.id} ${chunk.created}`)).size, 1);
  for (const [at, { object, model, choices }] of chunks.entries()) {
    assert.deepEqual([object, model, choices.length], ["chat.completion.chunk", CHAT_MODEL, 1]);
    const [{ index, delta, finish_reason: reason }] = choices;
    assert.equal(index, 0);
    assert.equal(delta.role, at === 0 ? "assistant" : undefined);
    assert.equal(reason === null, at < chunks.length - 1);
  }
}

async function failureOf(promise) {
  return promise.then(
    () => assert.fail("the call succeeded"),
    (error) => error,
  );
}

test("a chat is answered with a message and its usage", async () => {
  const reply = await client.chat.completions.create(SHORT);
  assert.deepEqual([reply.object, reply.model, reply.choices.length], ["chat.completion", CHAT_MODEL, 1]);
  const [{ index, message, finish_reason: reason }] = reply.choices;
  assert.deepEqual([index, message.role], [0, "assistant"]);
  assert.ok(message.content);
  assert.ok(["stop", "length"].includes(reason));
  assert.ok(reply.usage.completion_tokens >= 1 && reply.usage.completion_tokens <= 8);
  assert.equal(reply.usage.total_tokens, reply.usage.prompt_tokens + reply.usage.completion_tokens);
  assert.ok(reply._request_id);
});

test("n choices are numbered in order", async () => {
  const { choices } = await client.chat.completions.create({ ...SHORT, temperature: 1, n: 2 });
  assert.deepEqual(choices.map((choice) => choice.index), [0, 1]);
  assert.ok(choices.every((choice) => choice.message.content));
});

test("a stream begins with the role, ends with the reason and has no usage", async () => {
  const chunks = await chunksOf(SHORT);
  checkChunks(chunks);
  assert.ok(chunks.map((chunk) => chunk.choices[0].delta.content ?? "").join(""));
  assert.ok(chunks.every((chunk) => !("usage" in chunk)));
});

test("a stream tells usage once at its end if asked", async () => {
  const chunks = await chunksOf({ ...SHORT, stream_options: { include_usage: true } });
  const last = chunks.pop();
  checkChunks(chunks);
  assert.ok(chunks.every((chunk) => chunk.usage === null));
  assert.deepEqual([last.choices, last.id, last.created], [[], chunks[0].id, chunks[0].created]);
  assert.equal(last.usage.total_tokens, last.usage.prompt_tokens + last.usage.completion_tokens);
});

for (const toolChoice of ["required", NAMED]) {
  const asked = { ...LONG_ENOUGH_FOR_JSON, tools: [WEATHER], tool_choice: toolChoice };
  const form = typeof toolChoice === "string" ? toolChoice : "named";

  test(`a tool that is ${form} is called with arguments of its schema`, async () => {
    const [choice] = (await client.chat.completions.create(asked)).choices;
    assert.equal(choice.finish_reason, "tool_calls");
    assert.equal(choice.message.tool_calls.length, 1);
    const [call] = choice.message.tool_calls;
    assert.ok(call.id);
    assert.deepEqual([call.type, call.function.name], ["function", "get_weather"]);
    assert.ok(["Oslo", "Lima"].includes(JSON.parse(call.function.arguments).city));
  });

  test(`a streamed call of a tool that is ${form} is named first and its arguments follow`, async () => {
    const chunks = await chunksOf(asked);
    checkChunks(chunks);
    const deltas = chunks.flatMap((chunk) => chunk.choices[0].delta.tool_calls ?? []);
    assert.ok(deltas.every((delta, at) => delta.index === 0 && Boolean(delta.id) === (at === 0)));
    assert.equal(deltas[0].function.name, "get_weather");
    const written = deltas.map((delta) => delta.function.arguments ?? "").join("");
    assert.ok(["Oslo", "Lima"].includes(JSON.parse(written).city));
    assert.equal(chunks.at(-1).choices[0].finish_reason, "tool_calls");
  });
}

test("a schema is followed", async () => {
  const schema = { name: "greeting", strict: true, schema: z.toJSONSchema(Greeting) };
  const format = { type: "json_schema", json_schema: schema };
  const reply = await client.chat.completions.create({ ...LONG_ENOUGH_FOR_JSON, response_format: format });
  Greeting.parse(JSON.parse(reply.choices[0].message.content));
});

test("the parse helper returns an object", async () => {
  const format = zodResponseFormat(Greeting, "greeting");
  const reply = await client.chat.completions.parse({ ...LONG_ENOUGH_FOR_JSON, response_format: format });
  Greeting.parse(reply.choices[0].message.parsed);
});

test("the stream helper collects an object", async () => {
  const format = zodResponseFormat(Greeting, "greeting");
  const stream = client.chat.completions.stream({ ...LONG_ENOUGH_FOR_JSON, response_format: format });
  const pieces = [];
  stream.on("content", (piece) => pieces.push(piece));
  const { choices } = await stream.finalChatCompletion();
  Greeting.parse(choices[0].message.parsed);
  assert.equal(pieces.join(""), choices[0].message.content);
});

test("the stream helper collects a tool call", async () => {
  const asked = { ...LONG_ENOUGH_FOR_JSON, tools: [WEATHER], tool_choice: "required" };
  const { choices } = await client.chat.completions.stream(asked).finalChatCompletion();
  const [call] = choices[0].message.tool_calls;
  assert.equal(call.function.name, "get_weather");
  assert.ok(["Oslo", "Lima"].includes(JSON.parse(call.function.arguments).city));
});

test("embeddings are equal in the client's default form and as floats", async () => {
  const asked = { model: EMBEDDING_MODEL, input: ["a cat", "a kitten", "the stock market"] };
  const packed = await client.embeddings.create(asked);
  const plain = await client.embeddings.create({ ...asked, encoding_format: "float" });
  assert.deepEqual([packed.object, packed.model, packed.data.length], ["list", EMBEDDING_MODEL, 3]);
  assert.ok(packed.usage.prompt_tokens > 0);
  for (const [at, { object, index, embedding }] of packed.data.entries()) {
    assert.deepEqual([object, index, embedding.length], ["embedding", at, DIMENSIONS]);
    assert.ok(embedding.every((x, i) => Math.abs(x - plain.data[at].embedding[i]) < 1e-6));
  }
});

test("embeddings come in the order of their inputs", async () => {
  const input = ["a cat", "a kitten", "the stock market"];
  const together = await client.embeddings.create({ model: EMBEDDING_MODEL, input });
  for (const [at, text] of input.entries()) {
    const alone = await client.embeddings.create({ model: EMBEDDING_MODEL, input: text });
    const [one, other] = [alone.data[0].embedding, together.data[at].embedding];
    assert.ok(one.reduce((sum, x, i) => sum + x * other[i], 0) > 0.99);
  }
});

test("embeddings are cut to dimensions and keep unit length", async () => {
  const { data } = await client.embeddings.create({ model: EMBEDDING_MODEL, input: "a cat", dimensions: 64 });
  assert.equal(data[0].embedding.length, 64);
  assert.ok(Math.abs(data[0].embedding.reduce((sum, x) => sum + x * x, 0) - 1) < 1e-5);
});

test("models are listed", async () => {
  const models = await Array.fromAsync(client.models.list());
  assert.deepEqual(models.map((model) => model.id).sort(), [EMBEDDING_MODEL, CHAT_MODEL]);
  for (const model of models) {
    assert.deepEqual([model.object, typeof model.created, typeof model.owned_by], ["model", "number", "string"]);
  }
});

for (const name of [EMBEDDING_MODEL, `embedded/${EMBEDDING_MODEL}`]) {
  test(`the model ${name} is retrieved`, async () => {
    const model = await client.models.retrieve(name);
    assert.deepEqual([model.id, model.object], [EMBEDDING_MODEL, "model"]);
  });
}

test("an unknown model is not found", async () => {
  const error = await failureOf(client.chat.completions.create({ ...SHORT, model: "smollm3" }));
  assert.ok(error instanceof OpenAI.NotFoundError, String(error));
  assert.match(error.message, /'smollm3'/);
  assert.deepEqual([error.code, error.param, error.type], [404, "model", "invalid_request_error"]);
  assert.equal(error.requestID, error.headers.get("x-request-id"));
  assert.ok(error.requestID);
});

for (const stream of [false, true]) {
  test(`a bad ${stream ? "stream" : "request"} names its field`, async () => {
    const error = await failureOf(client.chat.completions.create({ ...SHORT, temperature: 3, stream }));
    assert.ok(error instanceof OpenAI.BadRequestError, String(error));
    assert.match(error.message, /temperature: must be between 0 and 2/);
    assert.deepEqual([error.code, error.param, error.type], [400, "temperature", "invalid_request_error"]);
    assert.ok(error.requestID);
  });
}

test("a call that is not offered is not found", async () => {
  const error = await failureOf(client.responses.create({ model: CHAT_MODEL, input: "Say hello." }));
  assert.ok(error instanceof OpenAI.NotFoundError, String(error));
  assert.match(error.message, /\/v1\/chat\/completions/);
});

test("the caller's request id comes back", async () => {
  const reply = await client.chat.completions.create(SHORT, { headers: { "x-request-id": "from-the-caller" } });
  assert.equal(reply._request_id, "from-the-caller");
});
