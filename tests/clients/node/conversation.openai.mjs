// The official Node client in conversation; BASE_URL says where /v1 is, MODEL with whom. Prints what became of it, as JSON.

import OpenAI from "openai";
import { zodFunction, zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";

const CELSIUS = { Oslo: 4, Lima: 19 };
const Verdict = z.object({ reason: z.string(), mood: z.enum(["good", "bad"]) });
const asked = { model: process.env.MODEL, messages: [{ role: "user", content: "Where is it warmer?" }] };
const { completions } = new OpenAI({ baseURL: process.env.BASE_URL, apiKey: "none", maxRetries: 0, timeout: 30_000 }).chat;

// The client's own loop: it calls the function for each call and asks again, until there are no more.
async function loop(stream) {
  const cities = [];
  const weather = zodFunction({
    name: "get_weather",
    parameters: z.object({ city: z.string() }),
    function: ({ city }) => {
      cities.push(city);
      return { celsius: CELSIUS[city] };
    },
  });
  const text = await completions.runTools({ ...asked, tools: [weather], stream }).finalContent();
  return { text, cities };
}

async function streamed() {
  const chunks = await Array.fromAsync(
    await completions.create({ ...asked, stream: true, stream_options: { include_usage: true } }),
  );
  const text = chunks.map(({ choices: [choice] }) => choice?.delta.content ?? "").join("");
  return { text, usage: chunks.at(-1).usage.total_tokens };
}

async function structured() {
  const { choices } = await completions.parse({ ...asked, response_format: zodResponseFormat(Verdict, "verdict") });
  return choices[0].message.parsed;
}

async function structuredStream() {
  const stream = completions.stream({ ...asked, response_format: zodResponseFormat(Verdict, "verdict") });
  return (await stream.finalChatCompletion()).choices[0].message.parsed;
}

const result = {
  loop: await loop(false),
  "streamed loop": await loop(true),
  streamed: await streamed(),
  structured: await structured(),
  "streamed structured": await structuredStream(),
};
console.log(JSON.stringify(result));
