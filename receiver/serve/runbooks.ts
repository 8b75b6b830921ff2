/** GET /runbooks and /runbooks/:code: what to do about an alert, as Markdown out of the package. Nothing in them is a tenant's, so they need no token. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Router } from 'express';
import { SQL_FOLDER } from '../store/sql.ts';
import { Problem } from './problem.ts';
import type { RunbookList } from './shape_alerts.ts';

export const RUNBOOKS_FOLDER = join(dirname(SQL_FOLDER), 'docs', 'runbooks');
/** A file's name begins with its code. */
const FILE = /^([A-Z]{2}-[0-9]{2})[-_a-zA-Z0-9]*\.md$/;

interface Runbook {
  code: string;
  title: string;
  markdown: string;
}

/**
 * @param hasUi a browser that follows a message's link is led to the dashboard's page of the runbook, which needs no token either
 * @param folder read once: the files come with the package and do not change under it
 */
export function runbookRoutes(hasUi: boolean, folder = RUNBOOKS_FOLDER): Router {
  const runbooks = readRunbooks(folder);
  const router = Router();
  router.get('/runbooks', (_req, res) => {
    const list: RunbookList = { runbooks: runbooks.map(({ code, title }) => ({ code, title })) };
    res.json(list);
  });
  router.get('/runbooks/:code', (req, res) => {
    const found = runbooks.find(({ code }) => code === req.params.code);
    if (found === undefined) throw new Problem(404, 'There is no runbook of that code; GET /runbooks lists them');
    res.vary('Accept');
    if (hasUi && req.accepts(['text/markdown', 'html']) === 'html') res.redirect(302, `/ui/runbooks/${found.code}`);
    else res.type('text/markdown; charset=utf-8').send(found.markdown);
  });
  return router;
}

function readRunbooks(folder: string): Runbook[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .sort()
    .flatMap((file) => {
      const code = FILE.exec(file)?.[1];
      if (code === undefined) return [];
      const markdown = readFileSync(join(folder, file), 'utf8');
      const heading = /^#\s+(.+)$/m.exec(markdown)?.[1] ?? code;
      return [{ code, title: heading.replace(new RegExp(`^${code}[:\\s-]*`), ''), markdown }];
    });
}
