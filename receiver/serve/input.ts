/** Everything the API takes from a request, checked by zod before it is used; what does not fit is a 400 that names the parameter. */

import { z } from 'zod';
import { Problem } from './problem.ts';
import { runStatus } from './shape_values.ts';

/** Text below 2^53: larger ids are no run of ours. */
const RUN_ID_TEXT = /^[1-9][0-9]{0,15}$/;
const FIRST_KEYED_RUN_ID = 2 ** 52;

// PostgreSQL stores no NUL, so such a name cannot exist; refusing it here keeps it from becoming a database error.
export const text = (maxChars: number) =>
  z
    .string()
    .min(1, 'is empty')
    .refine((value) => !value.includes('\0'), 'holds a NUL character')
    .refine((value) => [...value].length <= maxChars, `is longer than ${maxChars} characters`);

export const tenantRef = text(64).regex(/^([1-9][0-9]{0,9}|[a-z][a-z0-9._-]{0,63})$/, {
  error: 'is neither a tenant number nor a tenant name',
  abort: true,
});

export const time = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2}))?$/, {
    error: 'is not 2026-11-23 or 2026-11-23T01:30:00Z',
    abort: true,
  })
  .refine((value) => !Number.isNaN(Date.parse(value)) && Number(value.slice(0, 4)) >= 1970, 'is not a time since 1970')
  // A bare day is that day at 00:00 UTC, whatever the database session thinks.
  .transform((value) => (value.includes('T') ? value : `${value}T00:00:00Z`));

export const count = (max: number) =>
  z
    .string()
    .regex(/^[1-9][0-9]{0,5}$/, { error: 'is not a whole number above 0', abort: true })
    .transform(Number)
    .refine((value) => value <= max, `is above ${max}`);

/** What routes over weeks ask for alike. */
export const overWeeks = {
  tenant: tenantRef.optional(),
  pipeline: text(256).optional(),
  environment: text(256).optional(),
  weeks: count(104).default(8),
};

/** `true` or `false`. */
export const flag = z.enum(['true', 'false']).transform((value) => value === 'true');

export const cursor = text(512);

export const runsQuery = z.strictObject({
  tenant: tenantRef.optional(),
  pipeline: text(256).optional(),
  status: runStatus.optional(),
  environment: text(256).optional(),
  q: text(200).optional().describe('Beginning of the run key or run id'),
  has_alerts: flag.optional(),
  from: time.optional(),
  to: time.optional(),
  limit: count(200).default(50),
  cursor: cursor.optional(),
});
export type RunsQuery = z.infer<typeof runsQuery>;

export const runRefParam = text(200);

/** A run's place in a path, and whose it is. */
export const runParams = z.strictObject({ id: runRefParam.describe('A run id or a run key') });
export const runQuery = z.strictObject({ tenant: tenantRef.optional() });

export const exportQuery = z.strictObject({ run_id: runRefParam, tenant: tenantRef.optional() });

export const idParam = z
  .string()
  .regex(/^[1-9][0-9]{0,14}$/, { error: 'is not a number', abort: true })
  .transform(Number);

/** An item as its number, the company_id of rows. */
export const item = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,15})$/, { error: 'is not the number of an item (company_id)', abort: true })
  .transform(Number)
  .refine(Number.isSafeInteger, 'is not the number of an item (company_id)');

export const idParams = z.strictObject({ id: idParam });

export const tenantRefParam = tenantRef;
export const tenantParams = z.strictObject({ id: tenantRef.describe('A tenant number or name') });

const timeToCome = z.iso
  .datetime({ offset: true, error: 'is not a time like 2027-01-01T00:00:00Z' })
  .refine((value) => Date.parse(value) > Date.now(), 'is in the past');

export const tokenBody = z
  .strictObject({
    kind: z.enum(['tenant', 'ingest', 'admin']),
    tenant: z
      .union([
        z
          .int()
          .min(1)
          .max(2 ** 30 - 1)
          .transform(String),
        tenantRef,
      ])
      .optional(),
    name: text(100).optional(),
    scopes: z
      .array(z.enum(['write', 'read', 'review']))
      .min(1)
      .max(3)
      .optional(),
    expires_at: timeToCome.optional(),
  })
  .refine((body) => (body.kind === 'tenant') === (body.tenant !== undefined), {
    path: ['tenant'],
    error: 'belongs to kind tenant, and only to it',
  })
  .refine((body) => body.kind === 'tenant' || body.scopes === undefined, {
    path: ['scopes'],
    error: 'can be chosen for kind tenant only',
  });
export type TokenBody = z.infer<typeof tokenBody>;

export const rotateBody = z.strictObject({
  grace_minutes: z.int().min(0).max(10_080).default(0).describe('How long the old token goes on holding'),
});

export const tenantChangeBody = z
  .strictObject({
    name: z
      .string()
      .regex(
        /^[a-z][a-z0-9._-]{0,63}$/,
        'is no tenant name: letters a-z, digits, dots, dashes and underscores, beginning with a letter',
      )
      .optional(),
    status: z.enum(['active', 'disabled']).optional(),
  })
  .refine((body) => body.name !== undefined || body.status !== undefined, {
    path: ['name'],
    error: 'or status must be given',
  });

export const tenantBody = z.strictObject({
  tenant: z.union([
    z
      .int()
      .min(1)
      .max(2 ** 30 - 1)
      .transform(String),
    tenantRef,
  ]),
});

/** @throws Problem 400 with one entry for each thing that is wrong. */
export function check<T extends z.ZodType>(schema: T, value: unknown, name = ''): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const errors = result.error.issues.flatMap((issue) => describeIssue(issue, name));
  const detail = errors.map((error) => `${error.parameter} ${error.message}`).join('; ');
  throw new Problem(400, detail, { members: { errors } });
}

function describeIssue(issue: z.core.$ZodIssue, name: string): { parameter: string; message: string }[] {
  const parameter = [name, ...issue.path].filter((part) => part !== '').join('.') || 'The request';
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.slice(0, 10).map((key) => ({ parameter: key.slice(0, 64), message: 'is not known here' }));
  }
  if (issue.code === 'invalid_value') return [{ parameter, message: `must be one of ${issue.values.join(', ')}` }];
  if (issue.code === 'invalid_type') return [{ parameter, message: `must be one ${issue.expected}` }];
  return [{ parameter, message: issue.message }];
}

/**
 * What a run can be called: a decimal number below 2^52 is an id and never a key; from there to 2^53 it is the id that a key was given,
 * or a key that happens to look like one; anything else is a key.
 */
export interface RunRef {
  runId: number | null;
  runKey: string | null;
}

/** A key as it is stored: addresses and secrets in it are not. */
export type StoredKey = (key: string) => string;

export function parseRunRef(ref: string, storedKey: StoredKey): RunRef {
  const runId = RUN_ID_TEXT.test(ref) ? Number(ref) : null;
  if (runId === null || !Number.isSafeInteger(runId)) return { runId: null, runKey: storedKey(ref) };
  return { runId, runKey: runId < FIRST_KEYED_RUN_ID ? null : storedKey(ref) };
}
