/** Who is told about alerts, and what they are judged by. */

import { change, readJson } from './pages.ts';
import type { CallOptions, Send } from './request.ts';
import type { OfTenant, TenantRef } from './runs.ts';

export interface ChannelLine {
  /** 0: it gets the messages of all tenants. */
  tenant_id: number;
  channel: string;
  kind: 'slack' | 'webhook' | 'alertmanager';
  /** All that is shown of its URL, which is a secret. */
  host: string;
  min_severity: 'warn' | 'page';
  allow_private: boolean;
  enabled: boolean;
  from_environment: boolean;
  created_at: string;
}

export interface NewChannel {
  channel: string;
  kind: ChannelLine['kind'];
  url: string;
  /** webhook: key of its signatures; alertmanager: bearer token. */
  secret?: string;
  min_severity?: ChannelLine['min_severity'];
  allow_private?: boolean;
  /** Left out: it gets the messages of all tenants. */
  tenant?: TenantRef;
}

export interface TestedChannel {
  tenant_id: number;
  channel: string;
  ok: boolean;
  /** What the other side answered; null: nothing. */
  status: number | null;
  failure: string | null;
}

export function createChannels(send: Send) {
  return {
    list: (options: OfTenant = {}) => readJson<{ channels: ChannelLine[] }>(send, ['channels'], options),
    /** Makes one, or changes the one of that name and kind. */
    set: (channel: NewChannel, options: CallOptions = {}) =>
      change<ChannelLine>(send, { method: 'POST', path: ['channels'], body: channel, given: options }),
    /** What waits for one that is disabled is given up. */
    enable: (channel: string, enabled: boolean, options: OfTenant = {}) =>
      change<ChannelLine>(send, { method: 'PATCH', path: ['channels', channel], body: { enabled }, given: options }),
    remove: (channel: string, options: OfTenant = {}) =>
      change<void>(send, { method: 'DELETE', path: ['channels', channel], given: options }),
    /** Sends one real message, now. */
    test: (channel: string, options: OfTenant = {}) =>
      change<TestedChannel>(send, { method: 'POST', path: ['channels', channel, 'test'], given: options }),
  };
}

export interface RuleLine {
  rule: string;
  /** Of its runbook. */
  code: string;
  kind: string;
  title: string;
  severity: 'warn' | 'page';
  enabled: boolean;
  /** null: it is never said again. */
  remind_after_minutes: number | null;
  parameters: Record<string, unknown>;
  /** Why the rule cannot be judged. */
  problem: string | null;
  overrides: RuleOverride[];
}

export interface RuleOverride {
  /** 0: all tenants. */
  tenant_id: number;
  /** Empty: all pipelines. */
  pipeline: string;
  /** null: as the rule is. */
  enabled: boolean | null;
  /** Laid over those of the rule. */
  parameters: Record<string, unknown>;
  problem: string | null;
}

interface Whose {
  by?: string;
  reason?: string;
}

export interface RuleChange extends Whose {
  enabled?: boolean;
  severity?: RuleLine['severity'];
  /** Laid over those that are there, key by key. */
  parameters?: Record<string, unknown>;
  remind_after_minutes?: number | null;
}

export interface OverrideChange extends Whose {
  enabled?: boolean | null;
  parameters?: Record<string, unknown>;
}

/** A tenant, a pipeline or both. */
export interface OverridePlace extends OfTenant {
  pipeline?: string;
}

export function createRules(send: Send) {
  return {
    list: (options: CallOptions = {}) => readJson<{ rules: RuleLine[] }>(send, ['rules'], options),
    /** Changes what is named. */
    set: (rule: string, what: RuleChange, options: CallOptions = {}) =>
      change<RuleLine>(send, { method: 'PATCH', path: ['rules', rule], body: what, given: options }),
    /** Other limits there, in place of those that were. */
    setOverride: (rule: string, what: OverrideChange, at: OverridePlace) =>
      change<RuleLine>(send, { method: 'PUT', path: ['rules', rule, 'override'], body: what, given: at }),
    removeOverride: (rule: string, at: OverridePlace) =>
      change<RuleLine>(send, { method: 'DELETE', path: ['rules', rule, 'override'], given: at }),
  };
}
