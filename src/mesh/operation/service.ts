// Operations on the daemon itself, and on how much it tells.

import { LOG_LEVELS, type LogLevel } from '../../log.ts';
import { maybe, whole, word } from '../argument.ts';
import { type Operations, operation } from '../operation.ts';

/** The daemon. */
export interface Service {
  /** Reads the configuration again. @returns what was done. @throws (rejects) Error when it cannot be used */
  reload(): Promise<string>;
  /** Ends soon, so that whoever keeps it running starts it again: what was told until now is still sent. */
  restart(): void;
}

/** What is told of this router by itself. */
export interface Reporting {
  /** Sends everything that is measured once more, for whoever lost count. */
  keyframe(): void;
  /** Everything that is measured, now. */
  snapshot(): Promise<object> | object;
  /** Measures more often for so long; 0 ends it. */
  lease(kind: 'watch' | 'boost', seconds: number): void;
  /** Sends lines of the log for so long; 0 ends it. */
  leaseLog(level: LogLevel, seconds: number): void;
}

/** Longest leases, in seconds. */
export const MAX_LEASE_S = { watch: 86_400, boost: 600, log: 600 } as const;

/** The operations on the daemon. */
export function serviceOperations(service: Service, reporting: Reporting): Operations {
  const lease = (kind: 'watch' | 'boost') =>
    operation({
      scope: 'diagnose',
      args: { seconds: whole(0, MAX_LEASE_S[kind]) },
      run: ({ seconds }) => reporting.lease(kind, seconds),
    });
  return {
    keyframe: operation({ scope: 'observe', args: {}, run: () => reporting.keyframe() }),
    snapshot: operation({ scope: 'observe', args: {}, run: () => reporting.snapshot() }),
    watch: lease('watch'),
    boost: lease('boost'),
    log_lease: operation({
      scope: 'diagnose',
      args: { seconds: whole(0, MAX_LEASE_S.log), level: maybe(word(LOG_LEVELS)) },
      run: ({ seconds, level = 'info' }) => reporting.leaseLog(level, seconds),
    }),
    reload: operation({
      scope: 'operate',
      isSlow: true,
      args: {},
      run: async () => ({ message: await service.reload() }),
    }),
    restart: operation({ scope: 'operate', endsDaemon: true, args: {}, run: () => service.restart() }),
  };
}
