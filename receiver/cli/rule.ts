/** `runledger rule list|set|reset`: what alerts go by, and other limits for a tenant or a pipeline. */

import { type Command, Option } from 'commander';
import type { PoolClient } from 'pg';
import { recordAct } from '../derive/alerts/acts.ts';
import type { LoadedOverride, LoadedRule } from '../derive/alerts/load_rules.ts';
import type { Parameters } from '../derive/alerts/rule_kinds.ts';
import {
  listRules,
  type OverridePlace,
  RuleInputError,
  removeOverride,
  setOverride,
  setRule,
} from '../derive/alerts/set_rule.ts';
import { check, tenantRefParam } from '../serve/input.ts';
import { inTransaction } from '../store/pool.ts';
import { type CliContext, examples, type Register } from './command.ts';
import { withDatabase } from './database.ts';
import { CliError, EXIT } from './exit.ts';
import { DASH } from './format.ts';
import { loginName } from './login_name.ts';
import { findTenant } from './run_data.ts';
import { type Column, renderTable } from './table.ts';

interface PlaceOptions {
  tenant?: string;
  pipeline?: string;
  by: string;
  note?: string;
  json?: boolean;
}

interface SetOptions extends PlaceOptions {
  on?: boolean;
  off?: boolean;
  asRule?: boolean;
  severity?: string;
  remind?: string;
}

export const registerRule: Register = (program, context) => {
  const rule = program
    .command('rule')
    .description('see and set what alerts go by, for all or for a tenant and a pipeline')
    .addHelpText(
      'after',
      examples(
        'runledger rule list',
        'runledger rule set crawl_error_rate warn_above=0.2 page_above=0.4',
        'runledger rule set cost_budget --tenant acme per_day_usd=25',
        'runledger rule set run_missed --tenant acme --pipeline weekly --off',
        'runledger rule reset cost_budget --tenant acme',
      ),
    );
  rule
    .command('list')
    .description('all rules with what they go by, and where a tenant or a pipeline has other limits')
    .option('--json', 'print a list of rules')
    .action(async (options: { json?: boolean }, command: Command) => {
      const rules = await withDatabase(command, context, ({ pool }) =>
        inTransaction(pool('runledger_operator'), listRules, { readOnly: true }),
      );
      if (options.json === true) context.terminal.printJson(rules);
      else printRules(rules, context);
    });
  addSet(rule, context);
  atPlace(rule.command('reset'))
    .description('remove what was set for a tenant or a pipeline: what stands above it holds again')
    .action((name: string, options: PlaceOptions, command: Command) =>
      change(name, options, command, context, async (client, place) => {
        if (place === null) throw new CliError(EXIT.usage, 'Say whose limits to remove: --tenant, --pipeline or both');
        if (!(await removeOverride(client, place)))
          throw new CliError(EXIT.no, `${name} has no limits of its own there\nRun: runledger rule list`);
        return { act: 'rule_reset', details: { ...place } };
      }),
    );
};

function addSet(rule: Command, context: CliContext): void {
  atPlace(rule.command('set'))
    .argument('[values...]', 'as in warn_above=0.2 or limit_minutes=null; lists as in only=["openai"]')
    .description('change a rule, or lay other limits over it; what is not named stays as it is')
    .addOption(new Option('--on', 'judge it').conflicts(['off', 'asRule']))
    .addOption(new Option('--off', 'do not judge it; its alerts end').conflicts(['on', 'asRule']))
    .addOption(new Option('--as-rule', 'for a tenant or a pipeline: on or off as the rule is').conflicts(['on', 'off']))
    .option('--severity <warn|page>', 'of the rule itself')
    .option('--remind <minutes>', 'of the rule itself: say it again while nobody acknowledged it, or never')
    .action((name: string, values: string[], options: SetOptions, command: Command) =>
      change(name, options, command, context, async (client, place) => {
        const parameters = readValues(values);
        const enabled = options.on === true ? true : options.off === true ? false : undefined;
        if (place !== null) await overrideRule(client, place, parameters, enabled, options);
        else await changeRule(client, name, parameters, enabled, options);
        const said = { severity: options.severity, remind: options.remind, enabled, as_rule: options.asRule };
        return { act: 'rule_set', details: { ...place, parameters, ...said } };
      }),
    );
}

function atPlace(command: Command): Command {
  return command
    .argument('<rule>', 'as in `runledger rule list`')
    .option('--tenant <id or name>', 'for this tenant alone')
    .option('--pipeline <name>', 'for this pipeline alone')
    .option('--by <name>', 'who', loginName())
    .option('--note <text>', 'why')
    .option('--json', 'print the rule as it then is');
}

async function changeRule(
  client: PoolClient,
  rule: string,
  parameters: Parameters,
  enabled: boolean | undefined,
  { severity, remind, asRule }: SetOptions,
): Promise<void> {
  if (asRule === true) throw new CliError(EXIT.usage, '--as-rule goes with --tenant or --pipeline');
  const hasValues = Object.keys(parameters).length > 0;
  if (!hasValues && enabled === undefined && severity === undefined && remind === undefined)
    throw new CliError(EXIT.usage, 'Say what to change\nRun: runledger rule set --help');
  await setRule(client, {
    rule,
    enabled,
    severity,
    parameters: hasValues ? parameters : undefined,
    remindAfterMinutes: remind === undefined ? undefined : remind === 'never' ? null : Number(remind),
  });
}

/** Laid over what is there for the place, as a change of a rule is. */
async function overrideRule(
  client: PoolClient,
  place: OverridePlace,
  parameters: Parameters,
  enabled: boolean | undefined,
  { severity, remind, asRule }: SetOptions,
): Promise<void> {
  if (severity !== undefined || remind !== undefined)
    throw new CliError(EXIT.usage, '--severity and --remind are of the rule: leave out --tenant and --pipeline');
  const rules = await listRules(client);
  const before = rules.find(({ rule }) => rule === place.rule)?.overrides.find((one) => isAt(one, place));
  await setOverride(client, {
    ...place,
    enabled: asRule === true ? null : enabled,
    parameters: { ...before?.parameters, ...parameters },
  });
}

function isAt(override: LoadedOverride, { tenantId, pipeline }: OverridePlace): boolean {
  return override.tenantId === tenantId && override.pipeline === pipeline;
}

type Change = (
  client: PoolClient,
  place: OverridePlace | null,
) => Promise<{ act: string; details: Record<string, unknown> }>;

/** Changes, records who did it, and shows the rule as it then is. */
async function change(
  rule: string,
  options: PlaceOptions,
  command: Command,
  context: CliContext,
  work: Change,
): Promise<void> {
  const changed = await withDatabase(command, context, ({ pool }) =>
    inTransaction(pool('runledger_operator'), async (client) => {
      const place = await placeOf(client, rule, options);
      const { act, details } = await refusing(() => work(client, place));
      const actor = { tenantId: place?.tenantId ?? 0, actor: options.by, reason: options.note ?? null };
      await recordAct(client, { ...actor, act, object: `rule ${rule}`, details }, new Date());
      return (await listRules(client)).find((one) => one.rule === rule);
    }),
  );
  if (options.json === true) context.terminal.printJson(changed ?? null);
  else if (changed !== undefined) printRules([changed], context);
}

async function placeOf(client: PoolClient, rule: string, options: PlaceOptions): Promise<OverridePlace | null> {
  if (options.tenant === undefined && options.pipeline === undefined) return null;
  const ref = options.tenant === undefined ? undefined : check(tenantRefParam, options.tenant, 'tenant');
  return { rule, tenantId: (await findTenant(client, ref)) ?? 0, pipeline: options.pipeline ?? '' };
}

async function refusing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof RuleInputError
      ? new CliError(EXIT.usage, error.problems.join('\n'), { cause: error })
      : error;
  }
}

/** `key=value`, the value as JSON where it is some, else as text. */
function readValues(values: readonly string[]): Parameters {
  return Object.fromEntries(
    values.map((text) => {
      const cut = text.indexOf('=');
      if (cut < 1) throw new CliError(EXIT.usage, `"${text.slice(0, 60)}" is not as in warn_above=0.2`);
      return [text.slice(0, cut), readValue(text.slice(cut + 1))];
    }),
  );
}

function readValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return text;
    throw error;
  }
}

interface Line {
  rule: string;
  code: string;
  severity: string;
  whom: string;
  limits: string;
}

function printRules(rules: readonly LoadedRule[], { terminal }: CliContext): void {
  terminal.print(renderTable(COLUMNS, rules.flatMap(linesOf), terminal));
}

function linesOf(rule: LoadedRule): Line[] {
  const { code, severity, remindAfterMinutes } = rule;
  const reminds = remindAfterMinutes === null ? '' : `; says it again after ${remindAfterMinutes} minutes`;
  return [
    {
      rule: rule.rule,
      code,
      severity,
      whom: rule.enabled ? 'all' : 'nobody',
      limits: `${limitsText(rule)}${reminds}`,
    },
    ...rule.overrides.map((override) => ({
      rule: '',
      code: '',
      severity: override.enabled === null ? '' : override.enabled ? 'on' : 'off',
      whom: [
        override.tenantId === 0 ? 'all' : `tenant ${override.tenantId}`,
        ...(override.pipeline === '' ? [] : [`pipeline ${override.pipeline}`]),
      ].join(', '),
      limits: limitsText(override),
    })),
  ];
}

function limitsText({ parameters, problem }: { parameters: Parameters; problem: string | null }): string {
  if (problem !== null) return `left out: ${problem}`;
  const limits = Object.entries(parameters).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return limits.join(' ') || DASH;
}

const COLUMNS: Column<Line>[] = [
  { title: 'rule', value: (line) => line.rule },
  { title: 'code', value: (line) => line.code },
  { title: 'severity', value: (line) => line.severity },
  { title: 'for', value: (line) => line.whom, shrinksTo: 12 },
  { title: 'goes by', value: (line) => line.limits, shrinksTo: 30 },
];
