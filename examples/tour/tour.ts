// What modelwire.v1 offers, call by call. README.md in clients/typescript tells what to install; then: node tour.ts

// [chat]
import { create } from "@bufbuild/protobuf";
import { createClient, type Interceptor } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import {
  type ChatMessage,
  ChatService,
  CreateChatCompletionRequestSchema,
  FinishReasonSchema,
  Role,
} from "modelwire-client/v1";
// [end]
import { ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, Code } from "modelwire-client/google/rpc";
import {
  ChatMessageSchema,
  type CreateChatCompletionRequest,
  EmbeddingService,
  ModelService,
  ToolChoiceSchema,
  ToolSchema,
} from "modelwire-client/v1";

// [chat]
const { MODELWIRE_GRPC_ADDRESS: address = "127.0.0.1:50051", MODELWIRE_API_KEY: key } = process.env;
const authorized: Interceptor = (next) => (request) => {
  if (key) request.header.set("authorization", `Bearer ${key}`);
  return next(request);
};
const transport = createGrpcTransport({
  baseUrl: `http://${address}`,
  interceptors: [authorized],
  readMaxBytes: 64 * 1024 * 1024,
  defaultTimeoutMs: 600_000,
});
const chat = createClient(ChatService, transport);

function asking(text: string, maxCompletionTokens?: number) {
  const messages = [{ role: Role.USER, content: { case: "text" as const, value: text } }];
  const model = "smollm2-135m-instruct";
  return create(CreateChatCompletionRequestSchema, { model, messages, maxCompletionTokens, temperature: 0 });
}

function textOf(message?: ChatMessage): string {
  return message?.content.case === "text" ? message.content.value.replaceAll("\n", " ") : "";
}

async function complete() {
  const completion = await chat.createChatCompletion(asking("Say hello to me.", 24));
  const { message, finishReason } = completion.choices[0];
  console.log(`chat: ${textOf(message)} (${FinishReasonSchema.value[finishReason].name})`);
}

// [end]

const STORY = "Tell me a long story.";
const WEATHER = "What is the weather in Paris?";
const GET_WEATHER = create(ToolSchema, {
  tool: {
    case: "function",
    value: {
      name: "get_weather",
      description: "Tells the weather of a city.",
      parametersJson: '{"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}',
    },
  },
});

async function listModels() {
  const models = createClient(ModelService, transport);
  const ids: string[] = [];
  let pageToken = "";
  do {
    const page = await models.listModels({ pageSize: 1, pageToken });
    ids.push(...page.models.map((model) => model.id));
    pageToken = page.nextPageToken;
  } while (pageToken);
  console.log(`models: ${ids.join(", ")}`);
}

// Pieces of text are appended; the comment of ChatCompletionChunk tells how everything else is folded.
async function stream() {
  let text = "";
  for await (const chunk of chat.streamChatCompletion(asking("Say hello to me.", 24))) {
    for (const choice of chunk.choices) {
      if (choice.index === 0) text += choice.delta?.text ?? "";
    }
  }
  console.log(`stream: ${text.replaceAll("\n", " ")}`);
}

async function callTool(): Promise<ChatMessage> {
  const request = asking(WEATHER, 24);
  request.tools.push(GET_WEATHER);
  request.toolChoice = create(ToolChoiceSchema, { choice: { case: "function", value: "get_weather" } });
  const message = await answerTo(request);
  for (const { call } of message.toolCalls) {
    if (call.case === "function") console.log(`tool call: ${call.value.name}(${call.value.arguments})`);
  }
  return message;
}

async function answerTool(calling: ChatMessage) {
  const request = asking(WEATHER, 24);
  request.tools.push(GET_WEATHER);
  request.messages.push(calling);
  for (const { id } of calling.toolCalls) {
    const content = { case: "text" as const, value: '{"celsius": 21}' };
    request.messages.push(create(ChatMessageSchema, { role: Role.TOOL, toolCallId: id, content }));
  }
  console.log(`tool answer: ${textOf(await answerTo(request))}`);
}

async function embed() {
  const embeddings = createClient(EmbeddingService, transport);
  const response = await embeddings.createEmbeddings({ model: "all-minilm-l6-v2", inputs: ["Hello", "Goodbye"] });
  const vectors = response.embeddings.map((embedding) => embedding.values);
  console.log(`embeddings: ${vectors.length} vectors of ${vectors[0].length} values`);
}

// [error]
async function readError() {
  const request = asking("Say hello to me.", 24);
  request.temperature = 3;
  try {
    await chat.createChatCompletion(request);
  } catch (raised) {
    const error = ConnectError.from(raised);
    for (const { fieldViolations } of error.findDetails(BadRequestSchema)) {
      for (const { field, description } of fieldViolations) {
        console.log(`error: ${Code[error.code]} ${field}: ${description}`);
      }
    }
  }
}
// [end]

async function exceedDeadline() {
  try {
    await chat.createChatCompletion(asking(STORY), { timeoutMs: 50 });
  } catch (raised) {
    console.log(`deadline: ${Code[ConnectError.from(raised).code]}`);
  }
}

async function cancel() {
  const leaving = new AbortController();
  try {
    for await (const chunk of chat.streamChatCompletion(asking(STORY), { signal: leaving.signal })) {
      if (chunk.choices.some((choice) => choice.delta?.text)) leaving.abort();
    }
  } catch (raised) {
    console.log(`cancel: ${Code[ConnectError.from(raised).code]}`);
  }
}

async function answerTo(request: CreateChatCompletionRequest): Promise<ChatMessage> {
  const { message } = (await chat.createChatCompletion(request)).choices[0];
  if (!message) throw new Error("the answer has no message");
  return message;
}

await listModels();
// [chat]
await complete();
// [end]
await stream();
await answerTool(await callTool());
await embed();
await readError();
await exceedDeadline();
await cancel();
