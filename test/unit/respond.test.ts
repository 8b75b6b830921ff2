/** The bytes of answers: cut texts, encodings, and the closed list of failures. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FAILURE_CODES, RequestError } from '../../receiver/errors.ts';
import { LIMITS } from '../../receiver/limits.ts';
import { cutUtf8, encodeExportResponse, encodeStatus, type Signal } from '../../receiver/respond.ts';
import { readMessage } from '../helpers/otlp_messages.ts';

const anyText = fc.string({ unit: 'binary', maxLength: 3000 });

test('a cut text fits, is valid UTF-8 and is a prefix', () => {
  fc.assert(
    fc.property(anyText, fc.integer({ min: 0, max: 100 }), (text, bytes) => {
      const cut = cutUtf8(text, bytes);
      expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(bytes);
      expect(Buffer.byteLength(cut)).toBeGreaterThan(Math.min(bytes, Buffer.byteLength(text)) - 4);
      expect(Buffer.from(text).toString().startsWith(cut)).toBe(true);
    }),
  );
});

test('both encodings of a partial success say the same', () => {
  const keys = { traces: 'rejectedSpans', logs: 'rejectedLogRecords', metrics: 'rejectedDataPoints' };
  const signals: Signal[] = ['traces', 'logs', 'metrics'];
  fc.assert(
    fc.property(fc.constantFrom(...signals), fc.nat(), anyText, (signal, rejected, message) => {
      const binary = encodeExportResponse(signal, 'protobuf', { rejected, message });
      const read = readMessage('ExportResponse', binary) as {
        partial_success?: { rejected?: string; error_message?: string };
      };
      const text = JSON.parse(Buffer.from(encodeExportResponse(signal, 'json', { rejected, message })).toString());
      expect(text.partialSuccess?.errorMessage ?? '').toBe(read.partial_success?.error_message ?? '');
      expect(text.partialSuccess?.[keys[signal]] ?? '0').toBe(read.partial_success?.rejected ?? '0');
      expect(read.partial_success === undefined).toBe(rejected === 0 && message === '');
      expect(binary.length).toBeLessThan(LIMITS.partialMessageBytes + 64);
    }),
  );
});

test.each(FAILURE_CODES)('%s reads the same in both encodings', (code) => {
  const error = new RequestError(code);
  const binary = readMessage('Status', encodeStatus(error, 'protobuf')) as { details?: { type_url: string }[] };
  const text = JSON.parse(Buffer.from(encodeStatus(error, 'json')).toString());
  expect(binary).toMatchObject({ code: error.grpcCode, message: error.message });
  expect(text).toMatchObject({ code: error.grpcCode, message: error.message });
  expect(text.details?.[0]['@type']).toBe(binary.details?.[0]?.type_url);
});
