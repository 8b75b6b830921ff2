/** docs/isolation.md as test/flow/isolation_matrix.test.ts observed it. */

const HEAD = `# Who sees what: the isolation matrix

What one tenant can reach of another, tried on a receiver and a database with rows of two tenants, A and B, in every table. Each cell is what a test really got; it writes this
page and fails when anything of another tenant is seen or a route, table or view is not on it. Why the walls hold: [Walls in the database](adr/004-walls-in-the-database.md);
where they end: [Security](security.md).

## Routes

Every request is about tenant A. The number is the HTTP status: 401 no valid token, 403 the token may not, 404 there is no such thing for you. **own** means that the answer held rows of
the asker's tenant; no answer held any of another's. Tokens of A and B have the scopes write, read and review; "write" is A's, with that scope alone; the expired and the revoked one
were admin tokens. After all that B and the strangers tried, every row of A was what it had been.
`;

const BETWEEN = `Without any token, and without a tenant's data in them: OPEN. The pages and files of the dashboard under \`/ui/\` are open too, and byte for byte the same for everybody; what they show comes through the routes above.

## Sending

Telemetry of tenant A, over both protocols. "refused" means that all of it is in \`partial_success\`, as OTLP has it, and that no row of it is in any table, of A or anybody else; "stored", that
every row of it is A's. Metrics are kept of nobody. A span that names no tenant is its sender's, whatever trace of A's it names.
`;

const TABLES = `## Tables and views

Whose rows were seen when everything was asked for. **shared** are rows of nobody in particular, such as list prices; **no tenant** means a table that has none, such as the vendors;
"refused" is PostgreSQL's *permission denied*. The reader is the role behind the API. The BI login belongs to tenant B and was tried as it comes, after \`SET app.tenant_id\` to A
(the setting that the reader is bound by), after \`SET ROLE\` to every role of Runledger in turn, after \`RESET ROLE\`, \`RESET SESSION AUTHORIZATION\` and \`DISCARD ALL\`, and with
\`SET row_security = off\`, on which PostgreSQL answers with an error instead of rows.
`;

export interface Observed {
  routes: Table;
  openPaths: readonly string[];
  sending: Table;
  tables: Table;
}

export interface Table {
  columns: readonly string[];
  rows: readonly (readonly string[])[];
}

export function renderMatrix({ routes, openPaths, sending, tables }: Observed): string {
  const open = openPaths.map((path) => `\`${path}\``).join(', ');
  return [HEAD, markdown(routes), BETWEEN.replace('OPEN', open), markdown(sending), TABLES, markdown(tables)].join(
    '\n',
  );
}

function markdown({ columns, rows }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |\n`;
  return [columns, columns.map(() => '---'), ...rows].map(line).join('');
}
