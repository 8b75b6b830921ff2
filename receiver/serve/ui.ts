/**
 * The dashboard's pages under /ui: built files with the headers they need, and one page for all addresses, because the page itself knows
 * what to show. Holds nothing that needs a token; what it shows it asks the API for.
 */

import { type Request, type RequestHandler, type Response, Router } from 'express';
import { Problem } from './problem.ts';
import { type Encoding, loadUiFiles, type UiFile } from './ui_files.ts';

const CONTENT_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

/** What the first part of an address below /ui may be; everything else is answered by the same page with 404. */
const PAGES = new Set(['runs', 'alerts', 'qa', 'trends', 'ingest', 'runbooks', 'sign-in']);

const YEAR_S = 31_536_000;

export interface Ui {
  routes: Router;
  /** Whether there is a built dashboard to lead people to. */
  isBuilt: boolean;
}

export function createUi(files: ReadonlyMap<string, UiFile> | null = loadUiFiles()): Ui {
  const router = Router();
  router.use('/ui', onlyReads, (req, res) => {
    if (files === null) throw new Problem(404, 'The dashboard is not built here; run `npm run build` and start again');
    // Express takes the mount point away; an address without its slash would make the page's own links relative to /.
    if (req.originalUrl.split('?')[0] === '/ui') return res.redirect(308, '/ui/');
    const path = req.path.slice(1);
    const file = files.get(path);
    if (file !== undefined && path !== 'index.html') return sendFile(req, res, file);
    if (path.startsWith('assets/')) throw new Problem(404, 'There is no such file; load the page again');
    const page = files.get('index.html');
    if (page === undefined) throw new Error('The built dashboard has no index.html');
    if (path !== '' && !PAGES.has(path.split('/')[0] ?? '')) res.status(404);
    return sendFile(req, res, page);
  });
  return { routes: router, isBuilt: files !== null };
}

const onlyReads: RequestHandler = (req, _res, next) => {
  if (req.method !== 'GET' && req.method !== 'HEAD') {
    throw new Problem(405, 'The dashboard is only read; the API is beside it', { headers: { Allow: 'GET, HEAD' } });
  }
  next();
};

function sendFile(req: Request, res: Response, file: UiFile): void {
  const encoding = bestEncoding(req, file);
  res.set({
    'Content-Type': file.type,
    'Cache-Control': file.immutable ? `public, max-age=${YEAR_S}, immutable` : 'no-cache',
    'Content-Security-Policy': CONTENT_POLICY,
    ETag: `"${file.hash}-${encoding}"`,
    Vary: 'Accept-Encoding',
  });
  if (encoding !== 'identity') res.set('Content-Encoding', encoding);
  res.send(file.bodies[encoding] ?? file.bodies.identity);
}

function bestEncoding(req: Request, file: UiFile): Encoding {
  for (const encoding of ['br', 'gzip'] as const) {
    if (file.bodies[encoding] !== undefined && req.acceptsEncodings(encoding) === encoding) return encoding;
  }
  return 'identity';
}
