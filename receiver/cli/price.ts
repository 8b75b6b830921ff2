/** `runledger price list|set|remove`: what vendors cost whose calls do not say it and that no list of model prices has. */

import { type Command, Option } from 'commander';
import { loadSql } from '../store/sql.ts';
import { type CliContext, examples, parseId, type Register } from './command.ts';
import { withDatabase } from './database.ts';
import { CliError, EXIT } from './exit.ts';
import { DASH, formatTime } from './format.ts';
import { findTenant } from './run_data.ts';
import { type Column, renderTable } from './table.ts';

interface Place {
  tenant?: string;
  json?: boolean;
}

interface SetOptions extends Place {
  per: string;
  model?: string;
  from?: string;
}

/** One own price. Amounts are decimal text, because they have more digits than a double keeps. */
interface OwnPrice {
  price_id: number;
  /** null: everybody. */
  tenant_id: number | null;
  tenant_name: string | null;
  vendor: string;
  /** null: any. */
  model: string | null;
  unit: string;
  amount_usd: string;
  /** null: always. */
  valid_from: Date | null;
}

/** By the word of the option: the column's. */
const UNITS: Readonly<Record<string, string>> = {
  call: 'call',
  unit: 'unit',
  'token-in': 'token_input',
  'token-out': 'token_output',
};
const VENDOR = /^\S.{0,62}\S$|^\S$/;
const MODEL_CHARS = 200;
const AMOUNT = /^\d{1,9}(\.\d{1,18})?$/;

export const registerPrice: Register = (program, context) => {
  const price = program
    .command('price')
    .description('what vendors cost whose calls do not say it')
    .addHelpText(
      'after',
      examples(
        'runledger price list',
        'runledger price set tavily 0.008',
        'runledger price set tavily 0.006 --tenant 7 --from 2027-01-01',
        'runledger price set openai 0.00000015 --model our-own-model --per token-in',
      ),
    );
  addList(price, context);
  addSet(price, context);
  addRemove(price, context);
};

function addList(price: Command, context: CliContext): void {
  price
    .command('list')
    .description('own prices; those of models that everybody knows come with Runledger')
    .option('--tenant <id or name>', 'those that hold for this tenant')
    .option('--json', 'print a list of prices')
    .action(async ({ tenant, json }: Place, command: Command) => {
      const found = await withDatabase(command, context, async ({ pool }) => {
        const operators = pool('runledger_operator');
        const values = [await findTenant(operators, tenant)];
        return (await operators.query<OwnPrice>(loadSql('queries/prices/list'), values)).rows;
      });
      const { terminal } = context;
      if (json === true) terminal.printJson(found);
      else if (found.length === 0) terminal.print('No own prices');
      else terminal.print(renderTable(priceColumns, found, terminal));
    });
}

function addSet(price: Command, context: CliContext): void {
  price
    .command('set')
    .description('set one; it holds for calls that come from now on, those in the ledger keep their cost')
    .argument('<vendor>', 'as in run_vendor_usage')
    .argument('<usd>', 'for one, as in 0.008')
    .addOption(new Option('--per <what>', 'for one of what').choices(Object.keys(UNITS)).default('call'))
    .option('--model <name>', 'of this model alone')
    .option('--tenant <id or name>', 'for this tenant alone; it wins over the price for everybody')
    .option('--from <time>', 'for calls from then on, as 2027-01-01 or 2027-01-01T00:00:00Z')
    .option('--json', 'print {price_id, vendor}')
    .action(async (given: string, usd: string, options: SetOptions, command: Command) => {
      const { vendor, model, from } = checked(given, usd, options);
      const unit = UNITS[options.per];
      const set = await withDatabase(command, context, async ({ pool }) => {
        const tenantId = await findTenant(pool('runledger_operator'), options.tenant);
        const values = [tenantId ?? 0, vendor, model, unit, usd, from];
        type Row = Pick<OwnPrice, 'price_id' | 'vendor'>;
        return (await pool('runledger_owner').query<Row>(loadSql('queries/prices/set'), values)).rows[0];
      });
      if (options.json === true) context.terminal.printJson(set);
      else
        context.terminal.print(`${set?.vendor}: ${usd} USD for each ${options.per}; receivers know it within seconds`);
    });
}

function addRemove(price: Command, context: CliContext): void {
  price
    .command('remove')
    .description('remove one; what was counted by it stays')
    .argument('<price>', 'number, as in `runledger price list`')
    .action(async (number: string, _options: object, command: Command) => {
      const priceId = parseId(number, 'The price');
      const { rowCount } = await withDatabase(command, context, ({ pool }) =>
        pool('runledger_owner').query(loadSql('queries/prices/remove'), [priceId]),
      );
      if (rowCount === 0) throw new CliError(EXIT.no, `There is no price ${priceId}\nRun: runledger price list`);
      context.terminal.print(`Price ${priceId} is removed`);
    });
}

/** @throws CliError that says which of them is wrong, and how it should be */
function checked(given: string, usd: string, { model = '', from }: SetOptions) {
  const vendor = given.toLowerCase();
  if (!VENDOR.test(vendor)) throw new CliError(EXIT.usage, 'The vendor must have 1 to 64 characters');
  if (!AMOUNT.test(usd)) throw new CliError(EXIT.usage, 'The price must be US dollars such as 0.008');
  if (model.length > MODEL_CHARS) throw new CliError(EXIT.usage, `--model must have at most ${MODEL_CHARS} characters`);
  if (from !== undefined && !(/^\d{4}-\d\d-\d\d/.test(from) && Number.isFinite(Date.parse(from)))) {
    throw new CliError(EXIT.usage, '--from must be a time such as 2027-01-01 or 2027-01-01T00:00:00Z');
  }
  return { vendor, model, from: from === undefined ? null : new Date(from) };
}

const priceColumns: Column<OwnPrice>[] = [
  { title: 'price', value: (p) => String(p.price_id), align: 'right' },
  { title: 'vendor', value: (p) => p.vendor },
  { title: 'model', value: (p) => p.model ?? 'any', shrinksTo: 12 },
  { title: 'USD', value: (p) => p.amount_usd, align: 'right' },
  { title: 'for each', value: (p) => Object.keys(UNITS).find((word) => UNITS[word] === p.unit) ?? p.unit },
  { title: 'tenant', value: (p) => (p.tenant_id === null ? 'all' : (p.tenant_name ?? String(p.tenant_id))), leaves: 1 },
  {
    title: 'from (UTC)',
    value: (p) => (p.valid_from === null ? DASH : formatTime(p.valid_from.toISOString())),
    leaves: 2,
  },
];
