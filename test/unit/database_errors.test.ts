/** Which database errors a sender may repeat: decided by code, so that no server language or version changes the answer. */
import { describe, expect, it } from 'vitest';
import { isConnectionLost, isRetryable, isRowFault } from '../../receiver/store/errors.ts';

const coded = (code: unknown) =>
  Object.assign(new Error('deadlock detected: connection terminated, please retry'), { code });

describe('isRetryable', () => {
  it.each([
    '40001',
    '40P01',
    '55P03',
    '57014',
    '57P01',
    '57P03',
    '08006',
    '08001',
    '53100',
    '53300',
    '58030',
    '25006',
    '28P01',
    '3D000',
  ])('SQLSTATE %s may pass', (code) => expect(isRetryable(coded(code))).toBe(true));
  it.each(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'ERR_STREAM_PREMATURE_CLOSE'])(
    'connection error %s may pass',
    (code) => expect(isRetryable(coded(code))).toBe(true),
  );
  it.each([
    '22001',
    '22P02',
    '23505',
    '23514',
    '42501',
    '42P01',
    'XX000',
    '25P02',
    'EACCES',
    'ERR_INVALID_ARG_TYPE',
    5,
    undefined,
  ])('%s will not pass, whatever its words say', (code) => expect(isRetryable(coded(code))).toBe(false));
  it.each([null, undefined, 'ECONNRESET', 40001, {}])('%j is no error of the database', (value) => {
    expect(isRetryable(value)).toBe(false);
  });
  it('a host with several addresses that all refuse may pass; one answer that is final is final', () => {
    expect(isRetryable(new AggregateError([coded('ECONNREFUSED'), coded('ECONNREFUSED')]))).toBe(true);
    expect(isRetryable(new AggregateError([coded('ECONNREFUSED'), coded('EACCES')]))).toBe(false);
  });
});

describe('isRowFault and isConnectionLost', () => {
  it('rows are at fault for data and constraints alone', () => {
    for (const code of ['22001', '22003', '22021', '23502', '23514']) expect(isRowFault(coded(code))).toBe(true);
    for (const code of ['40P01', '42501', '57014', 'EPIPE', undefined]) expect(isRowFault(coded(code))).toBe(false);
  });
  it('a cancelled statement leaves its connection usable, a shut-down server does not', () => {
    for (const code of ['57014', '40P01', '55P03', '23505']) expect(isConnectionLost(coded(code))).toBe(false);
    for (const code of ['57P01', '08006', 'ECONNRESET', '25P03']) expect(isConnectionLost(coded(code))).toBe(true);
  });
});
