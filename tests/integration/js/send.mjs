// node send.mjs PROTOCOL ENDPOINT REQUESTS: sends that many traces of two chat calls each with the stock JavaScript
// SDK, the second of every tenth trace failed, and prints what it sent as JSON.
import { context, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { OTLPTraceExporter as GrpcExporter } from "@opentelemetry/exporter-trace-otlp-grpc";
import { OTLPTraceExporter as JsonExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { OTLPTraceExporter as HttpExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";

const [protocol, endpoint, requests] = process.argv.slice(2);
const exporters = {
  grpc: () => new GrpcExporter({ url: endpoint }),
  "http/protobuf": () => new HttpExporter({ url: `${endpoint}/v1/traces`, compression: "gzip" }),
  "http/json": () => new JsonExporter({ url: `${endpoint}/v1/traces`, compression: "gzip" }),
};
const exporter = exporters[protocol]();
const provider = new TracerProvider({
  resource: resourceFromAttributes({ "service.name": "storyboard", "service.instance.id": protocol }),
  spanProcessors: [new BatchSpanProcessor({ exporter, maxExportBatchSize: 100 })],
});
const tracer = provider.getTracer("storyboard");
const sent = { spans: 0, requests: 0, calls: 0, errors: 0, input_tokens: 0, output_tokens: 0, cached_input_tokens: 0 };

function call(parent, number, failed) {
  const usage = { input: 100 + number, output: 2 * number + 1, cached: number % 7 };
  const span = tracer.startSpan("chat gpt-4o-mini", { kind: SpanKind.CLIENT }, trace.setSpan(context.active(), parent));
  span.setAttributes({
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.request.temperature": 0.5,
  });
  if (failed) {
    span.setAttribute("error.type", "RateLimitError");
    span.setStatus({ code: SpanStatusCode.ERROR, message: "slow down" });
    sent.errors += 1;
  } else {
    span.setAttributes({
      "gen_ai.response.model": "gpt-4o-mini",
      "gen_ai.response.finish_reasons": ["stop"],
      "gen_ai.usage.input_tokens": usage.input,
      "gen_ai.usage.output_tokens": usage.output,
      "gen_ai.usage.cache_read.input_tokens": usage.cached,
    });
    sent.input_tokens += usage.input;
    sent.output_tokens += usage.output;
    sent.cached_input_tokens += usage.cached;
  }
  span.end();
  sent.calls += 1;
  sent.spans += 1;
}

for (let number = 0; number < Number(requests); number++) {
  const root = tracer.startSpan("storyboard", { kind: SpanKind.SERVER });
  call(root, 2 * number, false);
  call(root, 2 * number + 1, number % 10 === 9);
  root.end();
  sent.requests += 1;
  sent.spans += 1;
}
await provider.shutdown();
console.log(JSON.stringify(sent));
