/** The vendor ledger of a run: what each was asked, how it answered and what it cost, with totals that add up. */

import { useState } from 'preact/hooks';
import type { VendorUsage } from '../../receiver/serve/shape.ts';
import type { ModelUsage } from '../../receiver/serve/shape_costs.ts';
import { formatPercent, plural } from '../format.ts';
import { Empty } from '../parts/states.tsx';
import { Count, Duration, Money, Trouble } from '../parts/values.tsx';
import { hrefOf } from '../router.ts';
import { addMoney } from './money.ts';
import type { RunPlace } from './run_api.ts';

interface LedgerProps {
  at: RunPlace;
  vendors: VendorUsage[];
  models: ModelUsage[];
}

export function VendorLedger({ at, vendors: given, models }: LedgerProps) {
  if (given.length === 0) {
    return (
      <Empty title="No vendor was called">
        <p>
          A vendor call is what <code>vendorCall('tavily', ask)</code> of the SDK says, or a span with{' '}
          <code>runledger.vendor</code>.
        </p>
      </Empty>
    );
  }
  const vendors = [...given].sort((a, b) => Number(b.cost_usd) - Number(a.cost_usd) || b.calls - a.calls);
  const sum = (of: (vendor: VendorUsage) => number) => vendors.reduce((total, vendor) => total + of(vendor), 0);
  const total = addMoney(vendors.map(({ cost_usd }) => cost_usd));
  return (
    <div class="scroll">
      <table class="vendors">
        <thead>
          <tr>
            <th scope="col">Vendor</th>
            {['Calls', 'Errors', '429s', 'Quota', 'Tokens in', 'Tokens out', 'p50', 'p95', 'Cost'].map((name) => (
              <th key={name} scope="col" class="num">
                {name}
              </th>
            ))}
            <th scope="col">Share of cost</th>
          </tr>
        </thead>
        {vendors.map((vendor) => (
          <VendorRows
            key={vendor.vendor}
            at={at}
            vendor={vendor}
            models={models.filter((model) => model.vendor === vendor.vendor)}
            total={Number(total)}
          />
        ))}
        <tfoot>
          <tr>
            <th scope="row">Total</th>
            <td class="num">
              <Count value={sum(({ calls }) => calls)} />
            </td>
            <td class="num">
              <Trouble value={sum(({ errors }) => errors)} />
            </td>
            <td class="num">
              <Trouble value={sum((vendor) => vendor.rate_limit_hits)} />
            </td>
            <td class="num" />
            <td class="num">
              <Count value={sum((vendor) => vendor.tokens_input)} />
            </td>
            <td class="num">
              <Count value={sum((vendor) => vendor.tokens_output)} />
            </td>
            <td class="num" />
            <td class="num" />
            <td class="num">
              <Money usd={total} complete={vendors.every((vendor) => vendor.cost_complete)} />
            </td>
            <td />
          </tr>
        </tfoot>
      </table>
    </div>
  );
}

interface RowsProps {
  at: RunPlace;
  vendor: VendorUsage;
  models: ModelUsage[];
  total: number;
}

/** A vendor, and its models once somebody wants to see them. */
function VendorRows({ at, vendor, models, total }: RowsProps) {
  const [isOpen, setOpen] = useState(false);
  const share = total > 0 ? Number(vendor.cost_usd) / total : null;
  const hasModels = models.some(({ model }) => model !== null);
  const dearest = [...models].sort((a, b) => Number(b.cost_usd) - Number(a.cost_usd) || b.calls - a.calls);
  return (
    <tbody>
      <tr>
        <th scope="row">
          <a href={hrefOf(['runs', at.tenant, at.run], { view: 'events', vendor: vendor.vendor })}>{vendor.vendor}</a>
          {hasModels && (
            <button
              type="button"
              class="plain models-toggle"
              aria-expanded={isOpen}
              aria-label={`${plural(models.length, 'model')} of ${vendor.vendor}`}
              onClick={() => setOpen(!isOpen)}
            >
              {plural(models.length, 'model')}
            </button>
          )}
        </th>
        <td class="num">
          <Count value={vendor.calls} />
        </td>
        <td class="num">
          <Trouble value={vendor.errors} />
        </td>
        <td class="num">
          <Trouble value={vendor.rate_limit_hits} />
        </td>
        <td class="num">{vendor.quota_exhausted ? <span class="bad">used up</span> : <span class="faint">ok</span>}</td>
        <td class="num">
          <Tokens value={vendor.tokens_input} />
        </td>
        <td class="num">
          <Tokens value={vendor.tokens_output} />
        </td>
        <td class="num">
          <Duration ms={vendor.p50_ms} missing="not computed yet, or no call says how long it took" />
        </td>
        <td class="num">
          <Duration ms={vendor.p95_ms} missing="not computed yet, or no call says how long it took" />
        </td>
        <td class="num">
          <Money usd={vendor.cost_usd} complete={vendor.cost_complete} />
        </td>
        <Share of={share} />
      </tr>
      {isOpen && dearest.map((model) => <ModelRow key={model.model ?? ''} model={model} total={total} />)}
    </tbody>
  );
}

function ModelRow({ model, total }: { model: ModelUsage; total: number }) {
  return (
    <tr class="of-model">
      <th scope="row">
        {model.model === null ? 'no model named' : model.model === '_other' ? 'other models' : model.model}
      </th>
      <td class="num">
        <Count value={model.calls} />
      </td>
      <td class="num">
        <Trouble value={model.errors} />
      </td>
      <td class="num" colSpan={2} />
      <td class="num">
        <Tokens value={model.tokens_input} />
      </td>
      <td class="num">
        <Tokens value={model.tokens_output} />
      </td>
      <td class="num" colSpan={2} />
      <td class="num">
        <Money usd={model.cost_usd} complete={model.cost_complete} />
      </td>
      <Share of={total > 0 ? Number(model.cost_usd) / total : null} />
    </tr>
  );
}

function Share({ of }: { of: number | null }) {
  return (
    <td class="share">
      {of !== null && (
        <>
          <svg viewBox="0 0 80 8" aria-hidden="true">
            <rect width={80 * of} height="8" />
          </svg>
          <span class="faint">{formatPercent(of)}</span>
        </>
      )}
    </td>
  );
}

function Tokens({ value }: { value: number }) {
  return value === 0 ? <span class="faint">0</span> : <Count value={value} />;
}
