/** What the API answers about channels and rules: who is told, and what is judged by. No address and no secret is among it. */

import { z } from 'zod';
import type { LoadedOverride, LoadedRule } from '../derive/alerts/load_rules.ts';
import type { ChannelRecord } from '../derive/delivery/channels.ts';
import { id, json, time } from './shape_values.ts';

const severity = z.enum(['warn', 'page']);

export const channelShape = z.object({
  tenant_id: id.describe('0: it gets the messages of all tenants'),
  channel: z.string(),
  kind: z.enum(['slack', 'webhook', 'alertmanager']),
  host: z.string().describe('All that is shown of its URL, which is a secret'),
  min_severity: severity,
  allow_private: z.boolean().describe('It may point to private and loopback addresses and to plain http'),
  enabled: z.boolean(),
  from_environment: z.boolean().describe('SLACK_WEBHOOK_URL made it'),
  created_at: time,
});
export type ChannelLine = z.infer<typeof channelShape>;

/** GET /channels */
export const channelList = z.object({ channels: z.array(channelShape) });

/** POST /channels/:channel/test */
export const testedChannel = z.object({
  tenant_id: id,
  channel: z.string(),
  ok: z.boolean(),
  status: z.int().nullable().describe('What the other side answered; null: nothing'),
  failure: z.string().nullable(),
});

export function channelLine(record: ChannelRecord): ChannelLine {
  return {
    tenant_id: record.tenantId,
    channel: record.channel,
    kind: record.kind,
    host: record.host,
    min_severity: record.minSeverity,
    allow_private: record.allowPrivate,
    enabled: record.enabled,
    from_environment: record.fromEnvironment,
    created_at: record.createdAt.toISOString(),
  };
}

const overrideShape = z.object({
  tenant_id: id.describe('0: all tenants'),
  pipeline: z.string().describe('Empty: all pipelines'),
  enabled: z.boolean().nullable().describe('null: as the rule is'),
  parameters: json.describe('Laid over those of the rule'),
  problem: z.string().nullable().describe('Why they do not count'),
});

export const ruleShape = z.object({
  rule: z.string(),
  code: z.string().describe('Of its runbook'),
  kind: z.string(),
  title: z.string(),
  severity,
  enabled: z.boolean().describe('For those that no override says otherwise for'),
  remind_after_minutes: z.int().nullable().describe('null: it is never said again'),
  parameters: json,
  problem: z.string().nullable().describe('Why the rule cannot be judged'),
  overrides: z.array(overrideShape),
});
export type RuleLine = z.infer<typeof ruleShape>;

/** GET /rules */
export const ruleList = z.object({ rules: z.array(ruleShape) });

export function ruleLine(rule: LoadedRule): RuleLine {
  const { remindAfterMinutes, overrides, ...same } = rule;
  return { ...same, remind_after_minutes: remindAfterMinutes, overrides: overrides.map(overrideLine) };
}

function overrideLine({ tenantId, ...same }: LoadedOverride): RuleLine['overrides'][number] {
  return { tenant_id: tenantId, ...same };
}
