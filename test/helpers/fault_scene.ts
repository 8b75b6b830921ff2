/** A database, a receiver process in front of it, senders in front of that, and a proxy on either side: where faults happen. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate } from '../../receiver/store/migrate.ts';
import { onDatabase, withClient } from './database_admin.ts';
import { checkLedger, type Verdict } from './fault_check.ts';
import { type LoadRequest, type LoadRun, type LoadShape, makeLoad, TENANTS } from './fault_load.ts';
import { type FaultProxy, type ProxyRules, startFaultProxy } from './fault_proxy.ts';
import { createFaultReceiver, type FaultReceiver } from './fault_receiver.ts';
import { createSenders, type Senders } from './fault_senders.ts';
import { openLedger } from './ledger.ts';
import type { Random } from './random_spans.ts';

export interface FaultScene {
  /** Straight to the database. */
  databaseUrl: string;
  /** What the receivers connect to. */
  databaseProxy: FaultProxy;
  requestProxy: FaultProxy;
  senders: Senders;
  runs: LoadRun[];
  /** Another process of the receiver on the same database. The one that became ready last gets the requests. */
  newReceiver(environment?: Record<string, string>): FaultReceiver;
  /** Adds runs and hands out their requests. */
  addLoad(random: Random, shape: LoadShape): LoadRequest[];
  /** Hands out requests for `random` runs until `isOver`, then those that are left. */
  supply(random: Random, shape: LoadShape, isOver: () => boolean): () => LoadRequest | null;
  /** What is wrong with the ledger and with the answers, in words: none is right. */
  faults(untilPlacedMs?: number): Promise<string[]>;
  check(untilPlacedMs?: number): Promise<Verdict>;
  close(): Promise<void>;
}

let scenes = 0;

/** @param serverUrl of a superuser on a running server, where the scene makes a database of its own. */
export async function openScene(
  serverUrl: string,
  rules: { requests?: ProxyRules; database?: ProxyRules; pauseMs?: () => number } = {},
): Promise<FaultScene> {
  const name = `scene_${process.pid}_${scenes++}`;
  await withClient(serverUrl, (client) => client.query(`create database ${name} template template0`));
  const databaseUrl = onDatabase(serverUrl, name);
  const databaseProxy = await startFaultProxy(Number(new URL(databaseUrl).port), rules.database);
  const requestProxy = await startFaultProxy(null, rules.requests);
  const senders = createSenders(() => requestProxy.port, rules.pauseMs);
  const receivers: FaultReceiver[] = [];
  const folders: string[] = [];
  const runs: LoadRun[] = [];
  const addLoad = (random: Random, shape: LoadShape) => {
    const load = makeLoad(random, shape);
    runs.push(...load.runs);
    return load.requests;
  };
  const scene: FaultScene = {
    databaseUrl,
    databaseProxy,
    requestProxy,
    senders,
    runs,
    addLoad,
    newReceiver(environment = {}) {
      const dataDir = mkdtempSync(join(tmpdir(), 'runledger-scene-'));
      folders.push(dataDir);
      const receiver = createFaultReceiver({
        dataDir,
        databaseUrl: throughProxy(databaseUrl, databaseProxy),
        environment,
        onReady: ({ otlpHttp }) => {
          requestProxy.target = Number(new URL(otlpHttp).port);
        },
      });
      receivers.push(receiver);
      return receiver;
    },
    supply(random, shape, isOver) {
      const waiting: LoadRequest[] = [];
      return () => {
        if (waiting.length === 0 && !isOver()) waiting.push(...addLoad(random, shape));
        return waiting.shift() ?? null;
      };
    },
    check: (untilPlacedMs = 0) => checkLedger(databaseUrl, runs, untilPlacedMs),
    async faults(untilPlacedMs = 0) {
      const { faults } = await checkLedger(databaseUrl, runs, untilPlacedMs);
      const exits = receivers.filter(({ counts }) => counts.exits > 0).length;
      return [...faults, ...senders.counts.violations, ...(exits > 0 ? ['a receiver ended by itself'] : [])];
    },
    async close() {
      for (const receiver of receivers) await receiver.terminate();
      senders.close();
      await requestProxy.close();
      await databaseProxy.close();
      for (const folder of folders) rmSync(folder, { recursive: true, force: true });
      await withClient(serverUrl, (client) => client.query(`drop database ${name} with (force)`));
    },
  };
  return scene;
}

/** What a job does each minute: places rows that one writer parked while another bound their trace. */
export async function placeParked(databaseUrl: string): Promise<void> {
  const ledger = await openLedger(databaseUrl, []);
  await ledger.writer.sweepParked();
  await ledger.close();
}

/** Migrates and registers the tenants of the load, for a receiver that makes none by itself. */
export async function registerFaultTenants(databaseUrl: string): Promise<void> {
  await migrate({ databaseUrl });
  const ledger = await openLedger(databaseUrl, [...TENANTS, 1, 2, 901].map(String));
  await ledger.close();
}

/** The same database by way of the proxy. */
export function throughProxy(databaseUrl: string, proxy: FaultProxy): string {
  const url = new URL(databaseUrl);
  url.port = String(proxy.port);
  return url.href;
}
