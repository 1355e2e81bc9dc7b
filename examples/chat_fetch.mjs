// A chat with the fetch of Node, Deno, Bun and browsers.

const server = process.env.MODELWIRE_URL ?? "http://127.0.0.1:8080";

const response = await fetch(`${server}/v1beta:chatCompletions`, {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({
    model: "smollm2-135m-instruct",
    messages: [{ role: "user", content: "Say hello." }],
    max_tokens: 32,
  }),
});
const reply = await response.json();

if (!response.ok) {
  console.error(`${response.status}: ${reply.error.message}`);
  process.exit(1);
}
console.log(reply.choices[0].message.content);
