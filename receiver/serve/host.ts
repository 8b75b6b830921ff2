/**
 * Guards a server on loopback against DNS rebinding: a web page whose name was pointed at 127.0.0.1 reaches the port, but its requests
 * carry that page's name as Host.
 */

import type { RequestHandler } from 'express';
import { isLoopback } from '../config.ts';
import { Problem } from './problem.ts';

const LOCAL_HOST = /^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/i;

/** @param bindHost what the server listens on; elsewhere than loopback any Host is taken, since the operator's proxy names it. */
export function hostGuard(bindHost: string): RequestHandler {
  const guarded = isLoopback(bindHost);
  return (req, _res, next) => {
    if (guarded && !LOCAL_HOST.test(req.headers.host ?? '')) {
      throw new Problem(
        421,
        'This server listens on loopback and answers only to the Host localhost, 127.0.0.1 or [::1]',
      );
    }
    next();
  };
}
