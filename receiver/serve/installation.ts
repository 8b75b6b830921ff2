/** GET /ingest/health, /acts and /me: the installation as a whole, what people did in it, and who asks. */

import { z } from 'zod';
import { cursorId, cursorInt, cursorTime, cutPage, decodeCursor } from './cursor.ts';
import { count, cursor, tenantRef, text } from './input.ts';
import { readHolds } from './quotas.ts';
import { readLine, readLines, resolveTenant } from './read.ts';
import { type Route, route } from './route.ts';
import { type ActLine, actPage, me, type TenantLine } from './shape_admin.ts';
import { type IngestHealth, ingestHealth } from './shape_trends.ts';

/** What the process that answers has received since it started; null where it receives nothing. */
export type ReceiverHealth = () => IngestHealth['receiver'];

export interface InstallationDeps {
  receiverHealth: ReceiverHealth;
  version: string;
}

const actsQuery = z.strictObject({
  tenant: tenantRef.optional(),
  act: text(64).optional(),
  object: text(256).optional(),
  limit: count(200).default(50),
  cursor: cursor.optional(),
});
const actKey = z.tuple([cursorTime, cursorId, cursorInt]);

const DAY_MS = 86_400_000;
const daysBefore = (now: Date, days: number) => new Date(now.getTime() - days * DAY_MS).toISOString().slice(0, 10);

export function installationRoutes({ receiverHealth, version }: InstallationDeps): Route[] {
  return [
    route({
      method: 'get',
      path: '/ingest/health',
      access: 'admin',
      summary: 'Whether the numbers can be trusted: rates, refusals, parked rows, lag, audits',
      answer: ingestHealth,
      handle: (_input, { scope, now }) =>
        scope.read(async (client) => ({
          at: now.toISOString(),
          receiver: receiverHealth(),
          held: await readHolds(client, null, daysBefore(now, 6), 500),
          ...(await readLine<Omit<IngestHealth, 'at' | 'receiver' | 'held'>>(client, 'queries/serve/ingest_health', [
            now,
          ])),
        })),
    }),
    route({
      method: 'get',
      path: '/acts',
      access: 'admin',
      summary: 'What people did by API or command, newest first',
      query: actsQuery,
      answer: actPage,
      handle: ({ query }, { scope }) =>
        scope.read(async (client) => {
          const after = decodeCursor(actKey, query.cursor) ?? [null, null, null];
          const tenantId = await resolveTenant(client, scope, query.tenant);
          const filters = [tenantId, query.act ?? null, query.object ?? null, ...after, query.limit + 1];
          const lines = await readLines<ActLine>(client, 'queries/serve/acts', filters);
          const { shown, next_cursor } = cutPage(lines, query.limit, (act) => [act.at, act.act_id, act.tenant_id]);
          return { acts: shown, next_cursor };
        }),
    }),
    route({
      method: 'get',
      path: '/me',
      access: 'any',
      summary: 'Whose token this is and what it may do',
      answer: me,
      async handle(_input, { scope, caller }) {
        const kind = caller.kind === 'admin' ? 'admin' : 'tenant';
        const tenant =
          scope.tenantId === null
            ? null
            : await scope.read((client) => readLine<TenantLine>(client, 'queries/serve/tenant_line', [scope.tenantId]));
        return {
          kind,
          tenant_id: scope.tenantId,
          tenant_name: tenant?.name ?? null,
          scopes: caller.scopes.filter((name) => name === 'write' || name === 'read' || name === 'review'),
          version,
        } as const;
      },
    }),
  ];
}
