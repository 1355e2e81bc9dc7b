// What a tour has of @connectrpc/connect-node, as a page of the origin PAGE_ORIGIN has it: gRPC-Web, by a fetch that keeps
// the rules of CORS as browsers do. Node's own knows of no origins.
import type { Interceptor } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";

const ORIGIN = process.env.PAGE_ORIGIN ?? "null";
const FREELY_READ = [
  "cache-control",
  "content-language",
  "content-length",
  "content-type",
  "expires",
  "last-modified",
  "pragma",
];

export function createGrpcTransport(options: { baseUrl: string; interceptors: Interceptor[] }) {
  return createGrpcWebTransport({ ...options, fetch: fetchAsAPage });
}

async function fetchAsAPage(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const request = new Request(input, init);
  await askBefore(request);
  request.headers.set("origin", ORIGIN);
  const response = await fetch(request);
  needAllowed(response);
  const told = [...FREELY_READ, ...listed(response, "access-control-expose-headers")];
  const headers = [...response.headers].filter(([name]) => told.includes(name));
  return new Response(response.body, { status: response.status, headers });
}

async function askBefore(request: Request) {
  const names = [...request.headers.keys()].filter((name) => name !== "accept").sort();
  const asking = {
    origin: ORIGIN,
    "access-control-request-method": request.method,
    "access-control-request-headers": names.join(","),
  };
  const response = await fetch(request.url, { method: "OPTIONS", headers: asking });
  needAllowed(response);
  const allowed = listed(response, "access-control-allow-headers");
  const refused = names.filter((name) => !allowed.includes(name));
  if (!response.ok || refused.length) throw new TypeError(`CORS: ${response.status}, not allowed: ${refused}`);
}

function needAllowed(response: Response) {
  const allowed = response.headers.get("access-control-allow-origin");
  if (allowed !== ORIGIN) throw new TypeError(`CORS: ${allowed} may read this, ${ORIGIN} may not`);
}

function listed(response: Response, name: string): string[] {
  return (response.headers.get(name) ?? "").split(",").map((each) => each.trim().toLowerCase());
}
