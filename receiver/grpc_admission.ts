/**
 * Which gRPC calls may send their message, and when. grpc-js reads a message whole before its handler runs, so everything that must come
 * before the first byte is done in an interceptor: a call that is held there is not read, and HTTP/2's flow control stops its sender after
 * one or two windows of 64 KiB. Without a valid token no message is ever put together.
 */

import {
  type Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  ServerListenerBuilder,
  status,
} from '@grpc/grpc-js';
import { authenticate, type VerifyToken } from './auth.ts';
import { RequestError } from './errors.ts';
import { createGate, type Gate } from './gate.ts';
import { failureStatus } from './grpc_status.ts';
import type { BodyBudget, Reservation } from './inflight.ts';
import type { Principal } from './map/snapshot.ts';
import type { Signal } from './respond.ts';

export interface AdmissionDeps {
  verifyToken: VerifyToken;
  budget: BodyBudget;
  /** True once the process is to end: calls that come now are answered UNAVAILABLE. */
  isDraining(): boolean;
  /** Called once for every call of a known method, with the name of its gRPC code, or UNANSWERED. */
  onAnswer(signal: Signal | 'other', code: string): void;
  /** Called with every failure whose cause is ours or the database's. */
  onFailure(error: RequestError): void;
}

export interface AdmissionLimits {
  /** Messages being received at one time. Their sizes are not known before they are whole, so their number is what bounds memory. */
  messagesAtOnce: number;
  /** Calls with a valid token that wait for their turn; more is answered UNAVAILABLE. */
  callsWaiting: number;
  /** From a call's turn to the end of its message; more is answered DEADLINE_EXCEEDED. */
  receiveMs: number;
}

/** A call whose message has arrived. */
export interface Admitted {
  principal: Principal;
  /** The message's bytes are in use until this is called. */
  release(): void;
}

export interface Admission {
  interceptor: ServerInterceptor;
  /** Hands a call over to its handler, by the metadata that both see. */
  take(metadata: Metadata): Admitted;
}

/** grpc-js gave its own answer (too large, broken compression, past the sender's deadline), or the sender left. */
export const UNANSWERED = 'other';

export function createAdmission(
  signalOf: (path: string) => Signal | 'other',
  deps: AdmissionDeps,
  limits: AdmissionLimits,
): Admission {
  const gate = createGate(limits.messagesAtOnce, limits.callsWaiting);
  const admitted = new WeakMap<Metadata, Admitted>();
  return {
    interceptor: (method, call) => intercept(signalOf(method.path), call, { deps, limits, gate, admitted }),
    take(metadata) {
      const entry = admitted.get(metadata);
      if (entry === undefined) throw new Error('a call reached its handler without passing admission');
      admitted.delete(metadata);
      return entry;
    },
  };
}

interface Context {
  deps: AdmissionDeps;
  limits: AdmissionLimits;
  gate: Gate;
  admitted: WeakMap<Metadata, Admitted>;
}

function intercept(
  signal: Signal | 'other',
  call: ServerInterceptingCallInterface,
  context: Context,
): ServerInterceptingCall {
  const { deps } = context;
  let code: string = UNANSWERED;
  const refuse = (error: unknown) => {
    const failure = failureStatus(error, deps.onFailure);
    code = status[failure.code] ?? UNANSWERED;
    call.sendStatus(failure);
  };
  const incoming = receiveOne(context, refuse);
  const listener = new ServerListenerBuilder()
    .withOnReceiveMetadata((metadata, next) => {
      incoming.begin(metadata, () => next(metadata)).catch(refuse);
    })
    .withOnReceiveMessage((message: Uint8Array, next) => {
      if (incoming.message(message.length)) next(message);
    })
    .withOnReceiveHalfClose((next) => {
      incoming.whole();
      next();
    })
    // grpc-js calls this at the end of every call, whatever its outcome.
    .withOnCancel(() => {
      incoming.end();
      deps.onAnswer(signal, code);
    })
    .build();
  return new ServerInterceptingCall(call, {
    start: (next) => next(listener),
    sendStatus(sent, next) {
      code = (sent.code === undefined ? undefined : status[sent.code]) ?? UNANSWERED;
      next(sent);
    },
  });
}

/** The life of one message: who sends it, its turn, its time, its bytes. */
function receiveOne({ deps, limits, gate, admitted }: Context, refuse: (error: unknown) => void) {
  let reservation: Reservation | undefined;
  let leave = () => {};
  let timer: NodeJS.Timeout | undefined;
  let isServed = false;
  let isOver = false;
  const stopReceiving = () => {
    clearTimeout(timer);
    leave();
  };
  return {
    /** Lets the call be read once its sender is known and it has its turn. Throws RequestError. */
    async begin(metadata: Metadata, read: () => void): Promise<void> {
      if (deps.isDraining()) throw new RequestError('unavailable', 'The receiver is shutting down: send again');
      const principal = await authenticate(metadata.get('authorization')[0]?.toString(), deps.verifyToken);
      if (isOver) return;
      const held = deps.budget.reserve(0);
      reservation = held;
      admitted.set(metadata, {
        principal,
        release() {
          held.release();
        },
      });
      leave = gate.enter(() => {
        timer = setTimeout(() => refuse(new RequestError('request_timeout')), limits.receiveMs);
        read();
      });
    },
    /** Counts the bytes of a whole message; false: it was refused. */
    message(bytes: number): boolean {
      try {
        reservation?.grow(bytes);
        return true;
      } catch (error) {
        refuse(error);
        return false;
      }
    },
    /** From here on the handler gives the bytes back, even when the sender leaves: they are still being read. */
    whole(): void {
      isServed = true;
      stopReceiving();
    },
    end(): void {
      isOver = true;
      stopReceiving();
      if (!isServed) reservation?.release();
    },
  };
}
