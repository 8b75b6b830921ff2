/** The routes of /rules, for admins alone: what alerts are judged by, and other limits for a tenant or a pipeline. Each change leaves an act. */

import { z } from 'zod';
import type { LoadedRule } from '../derive/alerts/load_rules.ts';
import {
  listRules,
  type OverridePlace,
  RuleInputError,
  removeOverride,
  setOverride,
  setRule,
} from '../derive/alerts/set_rule.ts';
import type { Queryable } from './access.ts';
import { person, reason, recordAct } from './act.ts';
import { tenantRef, text } from './input.ts';
import { Problem } from './problem.ts';
import { readTenantId } from './read.ts';
import { type Asked, type Route, route } from './route.ts';
import { type RuleLine, ruleLine, ruleList, ruleShape } from './shape_alerting.ts';
import { json } from './shape_values.ts';

const params = z.strictObject({ rule: text(64).describe('As GET /rules names it') });
const place = z.strictObject({
  tenant: tenantRef.optional().describe('For this tenant alone; left out: for all'),
  pipeline: text(200).optional().describe('For this pipeline alone; left out: for all'),
});
const who = { by: person.optional(), reason: reason.optional() };
const ruleBody = z.strictObject({
  enabled: z.boolean().optional(),
  severity: z.enum(['warn', 'page']).optional(),
  parameters: json.optional().describe('Laid over those that are there, key by key'),
  remind_after_minutes: z.int().nullable().optional().describe('5 to 43200; null: it is never said again'),
  ...who,
});
const overrideBody = z.strictObject({
  enabled: z.boolean().nullable().default(null).describe('null: as the rule is'),
  parameters: json.default({}).describe('All that is laid over the rule there; what is not named is as the rule says'),
  ...who,
});

export function ruleRoutes(): Route[] {
  return [
    route({
      method: 'get',
      path: '/rules',
      access: 'admin',
      summary: 'All rules with what they go by, and where a tenant or a pipeline has other limits',
      answer: ruleList,
      handle: (_input, { scope }) => scope.read(async (client) => ({ rules: (await listRules(client)).map(ruleLine) })),
    }),
    route({
      method: 'patch',
      path: '/rules/:rule',
      access: 'admin',
      summary: 'Changes what is named of a rule',
      params,
      body: ruleBody,
      answer: ruleShape,
      handle: ({ params: { rule }, body: { by, reason: why, ...change } }, asked) =>
        changeRule(rule, { by, reason: why, act: 'rule_set', details: change }, asked, (client) =>
          setRule(client, { rule, ...change, remindAfterMinutes: change.remind_after_minutes }),
        ),
    }),
    route({
      method: 'put',
      path: '/rules/:rule/override',
      access: 'admin',
      summary: 'Other limits for a tenant, a pipeline or both, in place of those that were there',
      params,
      query: place,
      body: overrideBody,
      answer: ruleShape,
      handle: ({ params: { rule }, query, body: { by, reason: why, ...change } }, asked) =>
        changeRule(rule, { by, reason: why, act: 'rule_set', details: change, at: query }, asked, (client, at) =>
          setOverride(client, { ...at, ...change }),
        ),
    }),
    route({
      method: 'delete',
      path: '/rules/:rule/override',
      access: 'admin',
      summary: 'Takes them away: what stands above holds again',
      params,
      query: place,
      answer: ruleShape,
      status: 200,
      handle: ({ params: { rule }, query }, asked) =>
        changeRule(rule, { act: 'rule_reset', details: {}, at: query }, asked, async (client, at) => {
          if (!(await removeOverride(client, at))) throw new Problem(404, `${rule} has no limits of its own there`);
        }),
    }),
  ];
}

interface RuleAct {
  by?: string | undefined;
  reason?: string | undefined;
  act: string;
  details: Record<string, unknown>;
  /** Left out: the rule itself is meant. */
  at?: z.output<typeof place>;
}

/** @throws Problem 404 for a rule, tenant or override that there is none of, 400 for what cannot be set */
function changeRule(
  rule: string,
  { by, reason: why, act, details, at }: RuleAct,
  { scope, caller, now }: Asked,
  work: (client: Queryable, at: OverridePlace) => Promise<unknown>,
): Promise<RuleLine> {
  return scope.change(async (client) => {
    await readRule(client, rule);
    const tenantId = await tenantOf(client, at?.tenant);
    const placed = { rule, tenantId, pipeline: at?.pipeline ?? '' };
    if (at !== undefined && tenantId === 0 && placed.pipeline === '')
      throw new Problem(400, 'tenant or pipeline must say whose limits are meant');
    await refusing(() => work(client, placed));
    const said = { ...(at === undefined ? {} : placed), ...details };
    const line = { tenantId, by: by ?? null, act, object: `rule ${rule}`, reason: why ?? null, details: said };
    await recordAct(client, caller, line, now);
    return ruleLine(await readRule(client, rule));
  });
}

async function readRule(client: Queryable, name: string): Promise<LoadedRule> {
  const found = (await listRules(client)).find(({ rule }) => rule === name);
  if (found === undefined) throw new Problem(404, `There is no rule ${name}; GET /rules lists them`);
  return found;
}

async function tenantOf(client: Queryable, ref: string | undefined): Promise<number> {
  if (ref === undefined) return 0;
  const tenantId = await readTenantId(client, ref);
  if (tenantId === null) throw new Problem(404, `There is no tenant ${ref}`);
  return tenantId;
}

/** Each problem begins with its field. */
async function refusing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof RuleInputError)) throw error;
    const errors = error.problems.map((problem) => {
      const cut = problem.indexOf(':');
      return { parameter: problem.slice(0, cut), message: problem.slice(cut + 1).trim() };
    });
    throw new Problem(400, error.problems.join('; '), { members: { errors } });
  }
}
