/** A ledger from before usage was kept by model gets it: of runs whose events are all there by model, of others by vendor. */
import pg from 'pg';
import { expect, it } from 'vitest';
import { audit } from '../../receiver/derive/audit.ts';
import { deriveDue } from '../../receiver/derive/derive_due.ts';
import { retain } from '../../receiver/derive/retention.ts';
import { createPool, inTransaction } from '../../receiver/store/pool.ts';
import { loadSql } from '../../receiver/store/sql.ts';
import { createTestDatabase } from '../helpers/database.ts';
import { createDays, ledgerRow, writeRows } from '../helpers/ledger_writer.ts';
import { keepFrom } from '../helpers/retention_runs.ts';

const READ = 'select run_id, vendor, model, calls, cost_usd::text from runledger.model_usage order by 1, 2, 3';

it('runs from before the migration get their models where events are left, and add up where they are not', async () => {
  const database = await createTestDatabase();
  const { databaseUrl } = database;
  const owner = createPool({ databaseUrl, role: 'runledger_owner', maxConnections: 4 });
  const superuser = new pg.Pool({ connectionString: database.superuserUrl, max: 1 });
  try {
    await createDays(owner, '2026-03-01', '2026-03-03');
    const calls = [1, 2].flatMap((day) =>
      ['gpt-4o', 'gpt-4o-mini'].map((model) =>
        ledgerRow({
          tenant_id: 1,
          run_id: day,
          kind: 'vendor_call',
          ts: `2026-03-0${day} 10:00:00+00`,
          extra: { 'gen_ai.request.model': model },
          cost_usd: '0.5',
        }),
      ),
    );
    await writeRows(owner, calls, { status: 'succeeded' });
    expect(await retain(owner, keepFrom('2026-03-02'))).toMatchObject({ days_dropped: 1, difference: 0 });
    await deriveDue(owner, { all: true });

    await superuser.query('drop table runledger.model_usage cascade');
    await inTransaction(owner, (client) => client.query(loadSql('migrations/0013_model_usage')));
    expect((await owner.query(READ)).rows).toEqual([]);

    const { outcomes, failures } = await deriveDue(owner, { all: true });
    expect([outcomes.derived, outcomes.dropped, failures]).toEqual([1, 1, []]);
    expect((await owner.query(READ)).rows).toEqual([
      { run_id: 1, vendor: 'openai', model: '', calls: 2, cost_usd: '1.0' },
      { run_id: 2, vendor: 'openai', model: 'gpt-4o', calls: 1, cost_usd: '0.5' },
      { run_id: 2, vendor: 'openai', model: 'gpt-4o-mini', calls: 1, cost_usd: '0.5' },
    ]);
    expect(await audit(owner)).toMatchObject({ difference: 0, sealed_difference: 0 });
  } finally {
    await Promise.all([owner.end(), superuser.end()]);
    await database.drop();
  }
});
