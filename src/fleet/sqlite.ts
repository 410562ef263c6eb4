// Reads a table of a database of SQLite: by Node itself where it can, else by the program sqlite3. Never writes to it.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { Failure } from './failure.ts';

export type Row = Readonly<Record<string, unknown>>;

const MAX_BYTES = 64 * 1024 * 1024;

/** As much of Node 22's `node:sqlite` as is used. */
interface Sqlite {
  DatabaseSync: new (
    path: string,
    options: { readOnly: boolean },
  ) => { prepare(sql: string): { all(): Row[] }; close(): void };
}

/** All rows of a table. @param table one that we name, never a stranger. @throws Failure that says what to do */
export function readTable(path: string, table: string, env: NodeJS.ProcessEnv): Row[] {
  if (!existsSync(path)) throw new Failure('usage', `${path}: there is no such file`);
  const sql = `SELECT * FROM ${table}`;
  const sqlite = ownSqlite();
  if (sqlite) {
    const database = new sqlite.DatabaseSync(path, { readOnly: true });
    try {
      return database.prepare(sql).all();
    } finally {
      database.close();
    }
  }
  const { error, status, stdout, stderr } = spawnSync('sqlite3', ['-readonly', '-json', path, sql], {
    env,
    encoding: 'utf8',
    maxBuffer: MAX_BYTES,
  });
  if (error && 'code' in error && error.code === 'ENOENT')
    throw new Failure(
      'failed',
      `${path}: neither this Node.js (${process.version}) nor a program sqlite3 can read it`,
      'apt install sqlite3, or Node.js 22.13 or newer; or leave the database out by --database none',
    );
  if (error || status !== 0) throw new Failure('failed', `${path}: sqlite3: ${error?.message ?? stderr.trim()}`);
  // an empty table is no text at all
  return stdout.trim() === '' ? [] : (JSON.parse(stdout) as Row[]);
}

function ownSqlite(): Sqlite | undefined {
  const { getBuiltinModule } = process as { getBuiltinModule?: (name: string) => unknown };
  return getBuiltinModule?.('node:sqlite') as Sqlite | undefined;
}
