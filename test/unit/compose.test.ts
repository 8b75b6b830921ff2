/** What can be wrong with the files of a deployment without anything running: names that only one of two files knows, and ports that the world can reach. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { variables } from '../../receiver/config_variables.ts';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string) => readFileSync(join(REPOSITORY, path), 'utf8');
const compose = read('docker-compose.yml');
const langsmith = read('deploy/compose.langsmith.yml');
const example = read('.env.example');

/** The text of one service. */
function service(name: string, text = compose): string {
  const found = new RegExp(`^  ${name}:\\n((?: {4}.*\\n|\\n)+)`, 'm').exec(text)?.[1];
  if (found === undefined) throw new Error(`there is no service ${name}`);
  return found;
}

const given = (text: string) => [...text.matchAll(/^ {6}([A-Z][A-Z0-9_]+): /gm)].map(([, name = '']) => name);

test('every variable of the compose files is explained in .env.example, and every one there is used', () => {
  const used = new Set([...(compose + langsmith).matchAll(/\$\{([A-Z0-9_]+)/g)].map(([, name = '']) => name));
  const named = new Set([...example.matchAll(/^(?:# )?([A-Z0-9_]+)=/gm)].map(([, name = '']) => name));
  named.delete('COMPOSE_FILE');
  expect([...named].sort()).toEqual([...used].sort());
});

test('no port is published beyond the loopback', () => {
  const ports = [...compose.matchAll(/^ {6}- (\S+:\d+)$/gm)].map(([, port = '']) => port);
  expect(ports.length).toBeGreaterThan(6);
  expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
});

test('every file that is mounted is there', () => {
  const mounts = [...(compose + langsmith).matchAll(/^ {6}- \.\/(\S+?):/gm)].map(([, path = '']) => path);
  expect(mounts.length).toBeGreaterThan(4);
  expect(mounts.filter((path) => !existsSync(join(REPOSITORY, path)))).toEqual([]);
});

test('what the Collector and Jaeger read from the environment without a default, compose gives them', () => {
  const needs = (text: string) => [...text.matchAll(/\$\{env:([A-Z_]+)\}/g)].map(([, name = '']) => name);
  const gives = given(service('collector'));
  expect(needs(read('otel-collector.yaml')).filter((name) => !gives.includes(name))).toEqual([]);
  const givesMore = [...gives, ...given(service('collector', langsmith))];
  expect(needs(read('deploy/collector-langsmith.yaml')).filter((name) => !givesMore.includes(name))).toEqual([]);
  expect(needs(read('deploy/jaeger.yaml'))).toEqual([]);
});

test('what compose gives the Collector, Jaeger, Grafana and Runledger, they know', () => {
  const knows = (name: string, text: string) => expect(text).toContain(`env:${name}`);
  for (const name of given(service('collector'))) if (name !== 'GOMEMLIMIT') knows(name, read('otel-collector.yaml'));
  for (const name of given(service('jaeger'))) knows(name, read('deploy/jaeger.yaml'));
  for (const name of given(service('runledger'))) expect(Object.keys(variables)).toContain(name);
  const provisioning =
    read('sql/grafana/provisioning/datasources/runledger.yaml') +
    read('sql/grafana/provisioning/dashboards/runledger.yaml');
  const asked = new Set([...provisioning.matchAll(/\$\{(RUNLEDGER_[A-Z_]+)\}/g)].map(([, name = '']) => name));
  expect(
    given(service('grafana'))
      .filter((name) => name.startsWith('RUNLEDGER_'))
      .sort(),
  ).toEqual([...asked].sort());
});

test('the Collector is told to use less memory than its container has', () => {
  const limit = Number(/mem_limit: (\d+)m/.exec(service('collector'))?.[1]);
  const go = Number(/GOMEMLIMIT: (\d+)MiB/.exec(service('collector'))?.[1]);
  const refusesAt = Number(/COLLECTOR_MEMORY_MIB:-(\d+)\}/.exec(read('otel-collector.yaml'))?.[1]);
  expect(go).toBeLessThan(limit * 0.85);
  expect(refusesAt).toBeLessThan(limit);
});
