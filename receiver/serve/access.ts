/**
 * Who is asking, and through which database role the answer is read: a tenant token reads as runledger_reader inside a transaction bound
 * to its tenant, an admin token as runledger_operator. The walls stand in the database; this file only chooses the door.
 */

import type { Request, RequestHandler, Response } from 'express';
import type pg from 'pg';
import { bearerToken, type VerifiedToken } from '../auth.ts';
import { inTenant, inTransaction } from '../store/pool.ts';
import { Problem, unauthorized } from './problem.ts';

/** Who is asking: the rights of a token that holds, and which one it is, for the record of what people did. */
export interface Caller extends VerifiedToken {
  tokenId: number;
  name: string;
  /** Who signed in at the identity provider; absent: a token, under which anybody may give a name. */
  person?: string;
}

/** Resolves with null for a token that does not hold; rejects when the database cannot be asked. */
export type VerifyCaller = (token: string) => Promise<Caller | null>;

/** The part of a pg client or pool that reading needs. */
export type Queryable = Pick<pg.ClientBase, 'query'>;

/** Rights of one request. */
export interface Scope {
  /** The only tenant that can be seen; null: all of them. */
  tenantId: number | null;
  /** Runs one short piece of reading; nothing of it may outlive the call. */
  read<T>(work: (client: Queryable) => Promise<T>): Promise<T>;
  /** Like read, for the few columns that reviewers and operators may change. */
  change<T>(work: (client: Queryable) => Promise<T>): Promise<T>;
}

export interface ScopePools {
  /** Connections of role runledger_reader. */
  readers: pg.Pool;
  /** Connections of role runledger_operator. */
  operators: pg.Pool;
}

/** What a route asks of its caller; `any`: a token that is not for sending alone. */
export type Access = 'read' | 'write' | 'review' | 'any' | 'admin';

export function tenantScope(pools: ScopePools, tenantId: number): Scope {
  return {
    tenantId,
    read: (work) => inTenant(pools.readers, tenantId, work, { readOnly: true }),
    change: (work) => inTenant(pools.readers, tenantId, work),
  };
}

export function operatorScope(operators: pg.Pool): Scope {
  return {
    tenantId: null,
    read: (work) => inTransaction(operators, work, { readOnly: true }),
    change: (work) => inTransaction(operators, work),
  };
}

/** Puts the verified caller where `callerOf` finds it; 401 without a token that holds. */
export function authenticate(verifyToken: VerifyCaller): RequestHandler {
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
export async function readCaller<C>(
  req: Request,
  verifyToken: (token: string) => Promise<C | null>,
): Promise<C | null> {
  const token = bearerToken(req.headers.authorization);
  return token === null ? null : verifyToken(token);
}

export function callerOf(res: Response): Caller {
  return res.locals.caller as Caller;
}

/** @throws Problem 403 for tokens without the right */
export function scopeFor(caller: Caller, access: Access, pools: ScopePools): Scope {
  if (caller.kind === 'admin') return operatorScope(pools.operators);
  if (access === 'admin') throw new Problem(403, 'This is done with an admin token');
  if (caller.kind === 'ingest' || caller.tenantId === null) {
    throw new Problem(
      403,
      'An ingest token only sends telemetry; read with an admin token or a tenant token of scope read',
    );
  }
  if (access !== 'any' && !caller.scopes.includes(access)) {
    throw new Problem(
      403,
      `This token has no scope ${access}; \`runledger token create --kind tenant --scope ${access}\` makes one`,
    );
  }
  return tenantScope(pools, caller.tenantId);
}
