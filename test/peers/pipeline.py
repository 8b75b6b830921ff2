"""A pipeline in Python, with nothing but OpenTelemetry's own SDK and the attribute names of docs/instrument.md.

Usage: pipeline.py grpc|http ENDPOINT TOKEN RUN_KEY ITEMS. Prints what it did as JSON. TOKEN may be "none", as before a Collector.
"""

import json
import sys
import time

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Status, StatusCode

protocol, endpoint, token, run_key, items = sys.argv[1:6]
headers = {} if token == "none" else {"authorization": f"Bearer {token}"}
if protocol == "grpc":
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

    exporter = OTLPSpanExporter(endpoint=endpoint, insecure=True, headers=tuple(headers.items()))
else:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    exporter = OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces", headers=headers)

provider = TracerProvider(resource=Resource.create({"service.name": "enrichment-py"}))
provider.add_span_processor(BatchSpanProcessor(exporter))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("pipeline")

common = {"runledger.tenant.id": 7, "runledger.run.id": run_key}
done = {"items": 0, "errors": 0, "calls": 0, "tokens_input": 0}

with tracer.start_as_current_span(
    "nightly", attributes={**common, "runledger.kind": "run", "runledger.pipeline": "nightly-py"}
) as run:
    with tracer.start_as_current_span(
        "crawl",
        attributes={**common, "runledger.kind": "stage", "runledger.stage": "crawl", "runledger.stage.unit": "items"},
    ):
        for number in range(int(items)):
            at = {**common, "runledger.stage": "crawl", "runledger.item.id": number}
            with tracer.start_as_current_span("company", attributes={**at, "runledger.kind": "item"}) as item:
                with tracer.start_as_current_span(
                    "chat gpt-4o-mini",
                    kind=trace.SpanKind.CLIENT,
                    attributes={
                        **at,
                        "gen_ai.operation.name": "chat",
                        "gen_ai.provider.name": "openai",
                        "gen_ai.request.model": "gpt-4o-mini",
                        "gen_ai.usage.input_tokens": 100 + number,
                        "gen_ai.usage.output_tokens": 10,
                        "gen_ai.input.messages": "Tell me of Beeblebrox",
                    },
                ):
                    time.sleep(0.001)
                done["calls"] += 1
                done["tokens_input"] += 100 + number
                if number % 10 == 3:
                    item.set_status(Status(StatusCode.ERROR, "no answer"))
                    done["errors"] += 1
                done["items"] += 1
    run.set_attribute("runledger.sent.stages", 1)
    run.set_attribute("runledger.sent.items", done["items"])
    run.set_attribute("runledger.sent.vendor_calls", done["calls"])

provider.force_flush()
provider.shutdown()
print(json.dumps(done))
