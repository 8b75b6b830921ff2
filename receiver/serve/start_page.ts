/** GET /: leads a browser to the dashboard, and says everybody else what listens here. Holds nothing that needs a token. */

import type { RequestHandler } from 'express';
import type { Route } from './route.ts';

interface RouteLine {
  route: string;
  answer: string;
}

/** Beside those of the list, the last ones need no token. */
const OPEN_ROUTES: RouteLine[] = [
  { route: 'GET /openapi.json', answer: 'every route with what it takes and gives; no token' },
  { route: 'GET /runbooks, /runbooks/{code}', answer: 'what to do about alerts; no token' },
  { route: 'GET /healthz, /readyz, /metrics', answer: 'liveness, readiness, Prometheus metrics; no token' },
];

const AUTHORIZATION = 'Authorization: Bearer <token>; `runledger token create --kind admin` prints one';

export function startPage(version: string, hasUi: boolean, routes: readonly Route[]): RequestHandler {
  const lines = [...routes.map(describe), ...OPEN_ROUTES];
  const page = renderPage(version, lines);
  const json = {
    name: 'runledger',
    version,
    about: 'A ledger of pipeline runs in PostgreSQL, fed by OpenTelemetry',
    authorization: AUTHORIZATION,
    routes: Object.fromEntries(lines.map(({ route, answer }) => [route, answer])),
  };
  return (req, res) => {
    if (req.accepts(['json', 'html']) !== 'html') res.json(json);
    else if (hasUi) res.redirect(302, '/ui/');
    else res.type('html').send(page);
  };
}

function describe({ method, path, summary, access }: Route): RouteLine {
  const route = `${method.toUpperCase()} ${path.replace(/:(\w+)/g, '{$1}')}`;
  return { route, answer: access === 'admin' ? `${summary} (admin)` : summary };
}

function renderPage(version: string, routes: readonly RouteLine[]): string {
  const lines = routes.map(
    ({ route, answer }) => `<dt><code>${escapeHtml(route)}</code></dt><dd>${escapeHtml(answer)}</dd>`,
  );
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Runledger</title></head>
<body>
<h1>Runledger ${escapeHtml(version)}</h1>
<p>A ledger of pipeline runs in PostgreSQL, fed by OpenTelemetry. This port answers in JSON and CSV; its dashboard is not built here (<code>npm run build</code>).</p>
<p>In a terminal: <code>runledger runs</code>, <code>runledger show RUN</code>, <code>runledger sql</code>.</p>
<p>Unless it says otherwise a route needs a token: <code>${escapeHtml(AUTHORIZATION)}</code></p>
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
