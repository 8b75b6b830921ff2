/** Reads the protobuf messages that the receiver answers with, by their field numbers in the OTLP and google.rpc definitions. */

import protobuf from 'protobufjs';

const root = protobuf.Root.fromJSON({
  nested: {
    Any: { fields: { type_url: { type: 'string', id: 1 }, value: { type: 'bytes', id: 2 } } },
    Status: {
      fields: {
        code: { type: 'int32', id: 1 },
        message: { type: 'string', id: 2 },
        details: { rule: 'repeated', type: 'Any', id: 3 },
      },
    },
    Duration: { fields: { seconds: { type: 'int64', id: 1 } } },
    RetryInfo: { fields: { retry_delay: { type: 'Duration', id: 1 } } },
    Violation: { fields: { field: { type: 'string', id: 1 }, description: { type: 'string', id: 2 } } },
    BadRequest: { fields: { field_violations: { rule: 'repeated', type: 'Violation', id: 1 } } },
    PartialSuccess: { fields: { rejected: { type: 'int64', id: 1 }, error_message: { type: 'string', id: 2 } } },
    ExportResponse: { fields: { partial_success: { type: 'PartialSuccess', id: 1 } } },
  },
});

export type MessageName = 'Status' | 'RetryInfo' | 'BadRequest' | 'ExportResponse';

/** Plain object with 64-bit integers as strings; fields that are not on the wire are absent. */
export function readMessage(name: MessageName, bytes: Uint8Array): Record<string, unknown> {
  const type = root.lookupType(name);
  return type.toObject(type.decode(bytes), { longs: String });
}
