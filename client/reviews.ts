/** What people look after: QA samples, alerts and their runbooks. */

import type { AlertDetail, AlertLine, AlertPage, RunbookList } from '../receiver/serve/shape_alerts.ts';
import type { QaPage, QaSample, QaSetting, QaSummary } from '../receiver/serve/shape_qa.ts';
import { change, type Paged, type PageOptions, readJson, readPaged, split } from './pages.ts';
import type { CallOptions, Send } from './request.ts';
import type { OfTenant, RunRef, TenantRef } from './runs.ts';

export type { AlertDetail, AlertLine, AlertPage, QaPage, QaSample, QaSetting, QaSummary, RunbookList };

export interface QaFilter extends OfTenant {
  run?: RunRef;
  bucket?: string;
  reviewer?: string;
  pipeline?: string;
}

export interface QaOptions extends QaFilter, PageOptions {
  result?: QaSample['result'];
}

export interface Review {
  /** `needs_review` takes a review back. */
  result: QaSample['result'];
  reviewer: string;
  /** null removes them. */
  notes?: string | null;
  /** Laid over the sample's list. */
  checks?: Record<string, boolean>;
}

export interface QaSettingChange {
  /** Absent: everybody without a line of their own. */
  tenant?: TenantRef;
  bucket: string;
  sample_limit: number;
  checks: Record<string, boolean>;
  by?: string;
}

export function createQa(send: Send) {
  return {
    /** The newest draw first. */
    list: (options: QaOptions = {}): Paged<QaPage, QaSample> =>
      readPaged(send, ['qa'], options, (page: QaPage) => page.samples),
    summary: (options: QaFilter = {}) => readJson<QaSummary>(send, ['qa', 'summary'], options),
    /** @param item its company_id */
    review: (run: RunRef, item: number, review: Review, options: OfTenant = {}) =>
      change<QaSample>(send, { method: 'PATCH', path: ['qa', run, item], body: review, given: options }),
    settings: (options: OfTenant = {}) => readJson<{ settings: QaSetting[] }>(send, ['qa', 'settings'], options),
    setSetting: (setting: QaSettingChange, options: CallOptions = {}) =>
      change<QaSetting>(send, { method: 'PUT', path: ['qa', 'settings'], body: setting, given: options }),
  };
}

export interface AlertsOptions extends OfTenant, PageOptions {
  state?: readonly AlertLine['state'][];
  /** As in CR-02. */
  code?: string;
  pipeline?: string;
  environment?: string;
  run?: RunRef;
}

export interface Ack {
  by: string;
  note?: string;
}

export type Snooze = Ack & ({ minutes: number; until?: never } | { until: string; minutes?: never });

export function createAlerts(send: Send) {
  return {
    /** Firing, acked, snoozed, resolved, and within each the newest first. */
    list: (options: AlertsOptions = {}): Paged<AlertPage, AlertLine> =>
      readPaged(send, ['alerts'], options, (page: AlertPage) => page.alerts),
    get: (alert: number, options: CallOptions = {}) => readJson<AlertDetail>(send, ['alerts', alert], options),
    ack: (alert: number, what: Ack, options: CallOptions = {}) =>
      change<AlertDetail>(send, { method: 'POST', path: ['alerts', alert, 'ack'], body: what, given: options }),
    snooze: (alert: number, what: Snooze, options: CallOptions = {}) =>
      change<AlertDetail>(send, { method: 'POST', path: ['alerts', alert, 'snooze'], body: what, given: options }),
  };
}

export function createRunbooks(send: Send) {
  return {
    list: (options: CallOptions = {}) => readJson<RunbookList>(send, ['runbooks'], options),
    /** As Markdown. */
    get: async (code: string, options: CallOptions = {}): Promise<string> =>
      (await send({ method: 'GET', path: ['runbooks', code], ...split(options) })).text(),
  };
}
