/**
 * Who is asking, and through which database role the answer is read: a tenant token reads as runledger_reader inside a transaction bound
 * to its tenant, an admin token as runledger_operator. The walls stand in the database; this file only chooses the door.
 */

import type { Request, RequestHandler, Response } from 'express';
import type pg from 'pg';
import { bearerToken, type VerifiedToken, type VerifyToken } from '../auth.ts';
import { inTenant, inTransaction } from '../store/pool.ts';
import { Problem, unauthorized } from './problem.ts';

/** Who is asking: the rights of a token that holds. */
export type Caller = VerifiedToken;

/** The part of a pg client or pool that reading needs. */
export type Queryable = Pick<pg.ClientBase, 'query'>;

/** Rights of one request. */
export interface Scope {
  /** The only tenant that can be seen; null: all of them. */
  tenantId: number | null;
  /** Runs one short piece of reading; nothing of it may outlive the call. */
  read<T>(work: (client: Queryable) => Promise<T>): Promise<T>;
}

export interface ScopePools {
  /** Connections of role runledger_reader. */
  readers: pg.Pool;
  /** Connections of role runledger_operator. */
  operators: pg.Pool;
}

export function tenantScope(pools: ScopePools, tenantId: number): Scope {
  return { tenantId, read: (work) => inTenant(pools.readers, tenantId, work, { readOnly: true }) };
}

export function operatorScope(operators: pg.Pool): Scope {
  return { tenantId: null, read: (work) => inTransaction(operators, work, { readOnly: true }) };
}

/** Puts the verified caller where `callerOf` finds it; 401 without a token that holds. */
export function authenticate(verifyToken: VerifyToken): RequestHandler {
  return async (req, res, next) => {
    const caller = await readCaller(req, verifyToken);
    if (caller === null) {
      throw unauthorized(
        req.headers.authorization === undefined
          ? 'Send a token: Authorization: Bearer <token>. `runledger token create` makes one'
          : 'The token is not known, has expired or was revoked; `runledger token create` makes a new one',
      );
    }
    res.locals.caller = caller;
    next();
  };
}

/** The caller behind a request's bearer token, or null when there is none that holds. */
export async function readCaller(req: Request, verifyToken: VerifyToken): Promise<Caller | null> {
  const token = bearerToken(req.headers.authorization);
  return token === null ? null : verifyToken(token);
}

export function callerOf(res: Response): Caller {
  return res.locals.caller as Caller;
}

/** @throws Problem 403 for tokens that may not read */
export function readScope(res: Response, pools: ScopePools): Scope {
  const caller = callerOf(res);
  if (caller.kind === 'admin') return operatorScope(pools.operators);
  if (caller.kind === 'ingest') {
    throw new Problem(
      403,
      'An ingest token only sends telemetry; read with an admin token or a tenant token of scope read',
    );
  }
  if (caller.tenantId === null || !caller.scopes.includes('read')) {
    throw new Problem(
      403,
      'This token has no scope read; `runledger token create --kind tenant --scope read` makes one',
    );
  }
  return tenantScope(pools, caller.tenantId);
}

export const requireAdmin: RequestHandler = (_req, res, next) => {
  if (callerOf(res).kind !== 'admin') throw new Problem(403, 'Tokens and tenants are managed with an admin token');
  next();
};
