// Protobuf messages as Node has them. The first line that is read is a FileDescriptorSet in base64; each further one is
// a message, as JSON: its type, and its bytes in base64. Answered with one line each: the message as canonical JSON, and
// the bytes that Node writes for that JSON.

import { createInterface } from "node:readline";

import { createFileRegistry, fromBinary, fromJson, toBinary, toJson } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

const lines = createInterface({ input: process.stdin });
let registry;

for await (const line of lines) {
  if (registry === undefined) {
    registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, Buffer.from(line, "base64")));
  } else {
    process.stdout.write(`${JSON.stringify(answer(JSON.parse(line)))}\n`);
  }
}

function answer({ type, wire }) {
  try {
    const schema = registry.getMessage(type);
    const json = toJson(schema, fromBinary(schema, Buffer.from(wire, "base64")), { registry });
    const again = toBinary(schema, fromJson(schema, json, { registry }));
    return { json, wire: Buffer.from(again).toString("base64") };
  } catch (error) {
    return { error: String(error) };
  }
}
