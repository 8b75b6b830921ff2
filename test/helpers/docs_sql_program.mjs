/** What stands for PostgreSQL's client programs in the pages' commands: createdb URL, psql URL FILE, pg_dump URL FILE. */

import { readFileSync, writeFileSync } from 'node:fs';
import pg from 'pg';

const [program, url = '', file = ''] = process.argv.slice(2);
const at = new URL(url);
const name = at.pathname.slice(1);
if (program === 'createdb') at.pathname = '/postgres';
const client = new pg.Client({ connectionString: at.href });
await client.connect();
if (program === 'createdb') await client.query(`create database ${pg.escapeIdentifier(name)}`);
else if (program === 'psql') await client.query(readFileSync(file, 'utf8'));
else if (program === 'pg_dump') writeFileSync(file, 'a dump');
await client.end();
