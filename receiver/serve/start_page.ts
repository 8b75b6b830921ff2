/** GET /: leads a browser to the dashboard, and says everybody else what listens here. Holds nothing that needs a token. */

import type { RequestHandler } from 'express';

interface RouteLine {
  route: string;
  answer: string;
}

const ROUTES: RouteLine[] = [
  { route: 'GET /runs', answer: 'runs, newest first; filters tenant, pipeline, status, from, to, limit, cursor' },
  { route: 'GET /runs/{run id or run key}', answer: 'one run' },
  { route: 'GET /runs/{run}/stats', answer: 'its stages and vendors: counts, percentiles, tokens, cost' },
  { route: 'GET /runs/{run}/metrics', answer: 'its business numbers' },
  { route: 'GET /export/run_events.csv?run_id={run}', answer: 'its events as CSV' },
  { route: 'GET, POST /tokens; DELETE /tokens/{id}', answer: 'tokens (admin)' },
  { route: 'GET, POST /tenants; DELETE /tenants/{tenant}', answer: 'tenants (admin)' },
  { route: 'GET /healthz, /readyz, /metrics', answer: 'liveness, readiness, Prometheus metrics' },
];

const AUTHORIZATION = 'Authorization: Bearer <token>; `runledger token create --kind admin` prints one';

export function startPage(version: string, hasUi: boolean): RequestHandler {
  const page = renderPage(version);
  const json = {
    name: 'runledger',
    version,
    about: 'A ledger of pipeline runs in PostgreSQL, fed by OpenTelemetry',
    authorization: AUTHORIZATION,
    routes: Object.fromEntries(ROUTES.map(({ route, answer }) => [route, answer])),
  };
  return (req, res) => {
    if (req.accepts(['json', 'html']) !== 'html') res.json(json);
    else if (hasUi) res.redirect(302, '/ui/');
    else res.type('html').send(page);
  };
}

function renderPage(version: string): string {
  const lines = ROUTES.map(
    ({ route, answer }) => `<dt><code>${escapeHtml(route)}</code></dt><dd>${escapeHtml(answer)}</dd>`,
  );
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Runledger</title></head>
<body>
<h1>Runledger ${escapeHtml(version)}</h1>
<p>A ledger of pipeline runs in PostgreSQL, fed by OpenTelemetry. This port answers in JSON and CSV; its dashboard is not built here (<code>npm run build</code>).</p>
<p>In a terminal: <code>runledger runs</code>, <code>runledger show RUN</code>, <code>runledger sql</code>.</p>
<p>Every route below but the last needs a token: <code>${escapeHtml(AUTHORIZATION)}</code></p>
<dl>
${lines.join('\n')}
</dl>
</body>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
