// A call of the Vercel AI SDK per case, whichever version is installed: node vercel.mjs CASE

import * as ai from "ai";
import { createOpenAI } from "@ai-sdk/openai";
import { LONG_STORY, PICTURE, PROMPT, SYSTEM, TEXTS, TOOL, TOOL_PROMPT, TOOL_RESULT } from "./conversation.mjs";
import { tracing } from "./tracing.mjs";

const provider = tracing();
const openai = createOpenAI({ baseURL: process.env.OPENAI_BASE_URL, apiKey: process.env.OPENAI_API_KEY });
if (ai.registerTelemetry) {
  const { LegacyOpenTelemetry, OpenTelemetry } = await import("@ai-sdk/otel");
  ai.registerTelemetry(process.env.AI_SDK_LEGACY ? new LegacyOpenTelemetry() : new OpenTelemetry());
}
const switches = { isEnabled: true, functionId: "comic", metadata: { sessionId: "session-1", userId: "ada" } };
const TELEMETRY = { experimental_telemetry: switches };
const chatModel = (name) => (process.env.AI_SDK_API === "chat" ? openai.chat(name) : openai(name));
const CHAT = { model: chatModel("gpt-4o-mini"), system: SYSTEM, prompt: PROMPT, ...TELEMETRY };
const LONG = { model: chatModel("gpt-5-mini"), prompt: LONG_STORY, ...TELEMETRY };
const SCHEMA = ai.jsonSchema(TOOL.parameters);
const WEATHER = { description: TOOL.description, parameters: SCHEMA, inputSchema: SCHEMA, execute: async () => TOOL_RESULT };

async function drained(result) {
  for await (const _ of result.textStream);
}

async function failed(call) {
  await call.then(
    () => Promise.reject(new Error("it did not fail")),
    () => undefined,
  );
}

const CASES = {
  chat: () => ai.generateText({ ...CHAT, temperature: 0.5, maxTokens: 100, maxOutputTokens: 100 }),
  "cached-and-reasoning": () => ai.generateText(LONG),
  "cached-and-reasoning-stream": () => drained(ai.streamText(LONG)),
  stream: () => drained(ai.streamText(CHAT)),
  tools: () =>
    ai.generateText({
      model: chatModel("gpt-4o-mini"),
      prompt: TOOL_PROMPT,
      tools: { weather: WEATHER },
      maxSteps: 3,
      stopWhen: ai.stepCountIs?.(3),
      ...TELEMETRY,
    }),
  error: () => failed(ai.generateText({ ...CHAT, headers: { "x-fail": "500" }, maxRetries: 1 })),
  embeddings: () =>
    ai.embedMany({ model: openai.embedding("text-embedding-3-small"), values: TEXTS, ...TELEMETRY }),
  images: () =>
    (ai.generateImage ?? ai.experimental_generateImage)({
      model: openai.image("gpt-image-1"),
      prompt: PICTURE,
      size: "1024x1024",
      ...TELEMETRY,
    }),
};

await CASES[process.argv[2]]();
await provider.forceFlush();
await provider.shutdown();
