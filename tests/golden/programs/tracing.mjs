// A tracer provider that sends to the collector of the capture, as an app would set it up.

import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";

export const exporter = new OTLPTraceExporter();

export function tracing(processor = new BatchSpanProcessor(exporter)) {
  const resource = resourceFromAttributes({ "service.name": process.env.OTEL_SERVICE_NAME });
  const provider = new NodeTracerProvider({ resource, spanProcessors: [processor] });
  provider.register();
  return provider;
}
