/**
 * From decoded records to rows. What a record does to the ledger is decided from that record alone (with its scope, its resource and the
 * token that sent it): parents come later or never, so nothing here asks for them, and order, splitting and resending cannot matter.
 *
 *   chunk of spans -> per span: kind -> tenant, run -> times -> rows        (span.ts, marker.ts, event.ts)
 *   chunk of logs  -> per record: the same, and mostly nothing              (log.ts)
 */

import type { LogChunk, Resource, Scope, SpanChunk } from '../decode/shape.ts';
import { createRunNames } from './ids.ts';
import { createLayers, type Layer, type Layers } from './layer.ts';
import { mapLog } from './log.ts';
import { emptyChunk, type Mapping, type Outcome, type Tools } from './mapping.ts';
import { createNames } from './names.ts';
import { createPriceBook } from './price.ts';
import { createRedactor } from './privacy.ts';
import type { MappedChunk } from './row.ts';
import type { Principal, Snapshot } from './snapshot.ts';
import { mapSpan } from './span.ts';
import { View } from './view.ts';

export interface Mapper {
  readonly snapshot: Snapshot;
  /** @param receivedAtUs server time when the request arrived, microseconds since the epoch. */
  spans(chunk: SpanChunk, principal: Principal, receivedAtUs: number, outcomes?: Outcome[]): MappedChunk;
  logs(chunk: LogChunk, principal: Principal, receivedAtUs: number, outcomes?: Outcome[]): MappedChunk;
}

/** One mapper serves all requests under one snapshot; it keeps what it worked out about keys, names and prices. */
export function createMapper(snapshot: Snapshot): Mapper {
  const { head, identity } = createRedactor(snapshot.privacyKey);
  const layers = createLayers(snapshot.attributeAliases, head);
  const shared = createSharedLayers(layers);
  const tools: Tools = {
    snapshot,
    redact: head,
    redactIdentity: identity,
    priceUsage: createPriceBook(snapshot),
    names: createNames(head, snapshot),
    runNames: createRunNames(identity),
  };

  const mappingFor = (principal: Principal, receivedAtUs: number): Mapping => ({
    ...tools,
    principal,
    receivedAtUs,
    out: emptyChunk(),
    resourceJson: null,
  });

  return {
    snapshot,
    spans(chunk, principal, receivedAtUs, outcomes) {
      const mapping = mappingFor(principal, receivedAtUs);
      const { scope, resource } = shared(chunk.scope, chunk.resource);
      for (const span of chunk.records) {
        const outcome = mapSpan(
          span,
          new View(layers.collectBriefly(span.attributes), scope, resource),
          layers,
          mapping,
        );
        outcomes?.push(outcome);
      }
      refuseMalformed(chunk.malformed, mapping);
      return mapping.out;
    },
    logs(chunk, principal, receivedAtUs, outcomes) {
      const mapping = mappingFor(principal, receivedAtUs);
      const { scope, resource } = shared(chunk.scope, chunk.resource);
      for (const record of chunk.records) {
        const outcome = mapLog(record, new View(layers.collectBriefly(record.attributes), scope, resource), mapping);
        outcomes?.push(outcome);
      }
      refuseMalformed(chunk.malformed, mapping);
      return mapping.out;
    },
  };
}

function refuseMalformed(malformed: SpanChunk['malformed'], { out, principal }: Mapping): void {
  const tenantId = principal.kind === 'tenant' ? principal.tenantId : 0;
  for (const { message } of malformed) out.refusals.push({ tenantId, reason: 'malformed', message });
}

/** Chunks of one request share their scope and resource objects, so the last pair is worth keeping. */
function createSharedLayers(layers: Layers): (scope: Scope, resource: Resource) => { scope: Layer; resource: Layer } {
  let lastScope: Scope | null = null;
  let lastResource: Resource | null = null;
  let scopeLayer = layers.collect([]);
  let resourceLayer = scopeLayer;
  return (scope, resource) => {
    if (scope !== lastScope) {
      scopeLayer = layers.collect(scope.attributes);
      lastScope = scope;
    }
    if (resource !== lastResource) {
      resourceLayer = layers.collect(resource.attributes);
      lastResource = resource;
    }
    return { scope: scopeLayer, resource: resourceLayer };
  };
}
