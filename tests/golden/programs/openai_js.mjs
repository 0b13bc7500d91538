// A call or two of the real `openai` package per case: node openai_js.mjs INSTRUMENTATION CASE

import * as openai from "openai";
import { LONG_STORY, PICTURE, PROMPT, SYSTEM, TEXTS, TOOL, TOOL_PROMPT, TOOL_RESULT } from "./conversation.mjs";
import { exporter, tracing } from "./tracing.mjs";

const CHAT = {
  model: "gpt-4o-mini",
  messages: [
    { role: "system", content: SYSTEM },
    { role: "user", content: PROMPT },
  ],
};
const LONG = { model: "gpt-5-mini", messages: [{ role: "user", content: LONG_STORY }] };
const USAGE = { stream: true, stream_options: { include_usage: true } };

async function instrumented(module, options) {
  const provider = tracing();
  const { OpenAIInstrumentation } = await import(module);
  const instrumentation = new OpenAIInstrumentation(options);
  instrumentation.setTracerProvider(provider);
  instrumentation.manuallyInstrument(openai.OpenAI);
  return [provider, new openai.OpenAI()];
}

const SET_UP = {
  traceloop: () => instrumented("@traceloop/instrumentation-openai"),
  "traceloop-enriched": () => instrumented("@traceloop/instrumentation-openai", { enrichTokens: true }),
  openinference: () => instrumented("@arizeai/openinference-instrumentation-openai"),
  async langfuse() {
    const { LangfuseSpanProcessor } = await import("@langfuse/otel");
    const { observeOpenAI } = await import("@langfuse/openai");
    const provider = tracing(new LangfuseSpanProcessor({ exporter, publicKey: "pk", secretKey: "sk" }));
    return [provider, observeOpenAI(new openai.OpenAI())];
  },
};

async function drained(stream) {
  for await (const _ of stream);
}

async function failed(call) {
  await call.then(
    () => Promise.reject(new Error("it did not fail")),
    () => undefined,
  );
}

const CASES = {
  chat: (client) => client.chat.completions.create({ ...CHAT, temperature: 0.5, max_completion_tokens: 100 }),
  "cached-and-reasoning": (client) => client.chat.completions.create(LONG),
  "cached-and-reasoning-stream": async (client) => drained(await client.chat.completions.create({ ...LONG, ...USAGE })),
  stream: async (client) => drained(await client.chat.completions.create({ ...CHAT, ...USAGE })),
  "stream-without-usage": async (client) => drained(await client.chat.completions.create({ ...CHAT, stream: true })),
  async tools(client) {
    const messages = [{ role: "user", content: TOOL_PROMPT }];
    const asked = { model: "gpt-4o-mini", messages, tools: [{ type: "function", function: TOOL }] };
    const { message } = (await client.chat.completions.create(asked)).choices[0];
    messages.push(message, { role: "tool", tool_call_id: message.tool_calls[0].id, content: TOOL_RESULT });
    await client.chat.completions.create(asked);
  },
  error: (client) => failed(client.chat.completions.create(CHAT, { headers: { "x-fail": "500" } })),
  throttled: (client) => failed(client.chat.completions.create(CHAT, { headers: { "x-fail": "429" } })),
  embeddings: (client) =>
    client.embeddings.create({ model: "text-embedding-3-small", input: TEXTS, dimensions: 8 }),
  images: (client) => client.images.generate({ model: "gpt-image-1", prompt: PICTURE, size: "1024x1024", n: 1 }),
  responses: (client) => client.responses.create({ model: "gpt-5-mini", input: PROMPT, instructions: SYSTEM }),
  "responses-stream": async (client) =>
    drained(await client.responses.create({ model: "gpt-5-mini", input: PROMPT, instructions: SYSTEM, stream: true })),
};

const [instrumentation, name] = process.argv.slice(2);
const [provider, client] = await SET_UP[instrumentation]();
await CASES[name](client);
await provider.forceFlush();
await provider.shutdown();
