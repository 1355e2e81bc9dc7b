// Vercel's AI SDK in conversation; BASE_URL says where /v1 is, MODEL with whom. Prints what became of it, as JSON.

import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateObject, generateText, isStepCount, Output, streamText, tool } from "ai";
import { z } from "zod";

globalThis.AI_SDK_LOG_WARNINGS = false;

const CELSIUS = { Oslo: 4, Lima: 19 };
const Verdict = z.object({ reason: z.string(), mood: z.enum(["good", "bad"]) });
const provider = createOpenAICompatible({
  name: "modelwire",
  baseURL: process.env.BASE_URL,
  apiKey: "none",
  includeUsage: true,
  supportsStructuredOutputs: true,
});
const asked = { model: provider(process.env.MODEL), prompt: "Where is it warmer?", maxRetries: 0 };

// The SDK's own loop: it runs the tool for each call and asks again, until there are no more.
function looping() {
  const cities = [];
  const weather = tool({
    description: "Tells the weather of a city.",
    inputSchema: z.object({ city: z.string() }),
    execute: async ({ city }) => {
      cities.push(city);
      return { celsius: CELSIUS[city] };
    },
  });
  return { cities, request: { ...asked, tools: { get_weather: weather }, stopWhen: isStepCount(5) } };
}

async function loop() {
  const { cities, request } = looping();
  const { text, steps } = await generateText(request);
  return { text, cities, reasons: steps.map((step) => step.finishReason) };
}

async function streamedLoop() {
  const { cities, request } = looping();
  const { text, steps } = streamText(request);
  return { text: await text, cities, reasons: (await steps).map((step) => step.finishReason) };
}

async function streamed() {
  const { textStream, usage } = streamText(asked);
  const text = (await Array.fromAsync(textStream)).join("");
  return { text, usage: (await usage).totalTokens };
}

async function structured() {
  return (await generateObject({ ...asked, schema: Verdict })).object;
}

async function structuredStream() {
  return await streamText({ ...asked, output: Output.object({ schema: Verdict }) }).output;
}

const result = {
  loop: await loop(),
  "streamed loop": await streamedLoop(),
  streamed: await streamed(),
  structured: await structured(),
  "streamed structured": await structuredStream(),
};
console.log(JSON.stringify(result));
