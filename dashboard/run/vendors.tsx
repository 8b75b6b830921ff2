/** The vendor ledger of a run: what each was asked, how it answered and what it cost, with totals that add up. */

import type { VendorUsage } from '../../receiver/serve/shape.ts';
import { formatPercent } from '../format.ts';
import { Empty } from '../parts/states.tsx';
import { Count, Duration, Money, Trouble } from '../parts/values.tsx';
import { hrefOf } from '../router.ts';
import { addMoney } from './money.ts';
import type { RunPlace } from './run_api.ts';

export function VendorLedger({ at, vendors: given }: { at: RunPlace; vendors: VendorUsage[] }) {
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
        <tbody>
          {vendors.map((vendor) => (
            <VendorRow key={vendor.vendor} at={at} vendor={vendor} total={Number(total)} />
          ))}
        </tbody>
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

function VendorRow({ at, vendor, total }: { at: RunPlace; vendor: VendorUsage; total: number }) {
  const share = total > 0 ? Number(vendor.cost_usd) / total : null;
  return (
    <tr>
      <th scope="row">
        <a href={hrefOf(['runs', at.tenant, at.run], { view: 'events', vendor: vendor.vendor })}>{vendor.vendor}</a>
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
      <td class="share">
        {share !== null && (
          <>
            <svg viewBox="0 0 80 8" aria-hidden="true">
              <rect width={80 * share} height="8" />
            </svg>
            <span class="faint">{formatPercent(share)}</span>
          </>
        )}
      </td>
    </tr>
  );
}

function Tokens({ value }: { value: number }) {
  return value === 0 ? <span class="faint">0</span> : <Count value={value} />;
}
