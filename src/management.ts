// What may be ordered from afar, and what was, as the rest of the daemon sees it: the desk that takes commands is in memory only while
// brokers are wanted.

import type { CommandList } from './api/model.ts';
import type { Config } from './config.ts';
import { keyIdOf } from './lib/node-id.ts';
import type { CommandDesk } from './mesh/command.ts';

/** Shows keys, commands and refusals. */
export class Management {
  /** Set by whoever brings the desk, once it is there. */
  desk: Pick<CommandDesk, 'list'> | undefined;

  constructor(
    private readonly config: () => Pick<Config, 'manageCap' | 'keys'>,
    private readonly nowMs: () => number,
  ) {}

  list(): CommandList {
    const { manageCap: cap, keys } = this.config();
    const { commands, refused } = this.desk?.list() ?? { commands: [], refused: {} };
    const nowMs = this.nowMs();
    return {
      cap,
      keys: keys.map(({ name, public: key, scope }) => ({ name, id: keyIdOf(key), scope })),
      commands: commands.map(({ cid, name, key, op, st, code, error, at_ms, t }) => ({
        cid,
        ...(name !== undefined && { by: name }),
        key,
        op,
        state: st,
        ...(code !== undefined && { code }),
        ...(error !== undefined && { error }),
        ...(t !== undefined && { t }),
        ago_s: Math.max(0, Math.floor((nowMs - at_ms) / 1000)),
      })),
      refused: Object.entries(refused).map(([code, count]) => ({ code, count })),
    };
  }
}
