// Operations on the configuration: what may be seen and changed of it from afar is on a list (lib/uci-path.ts), which whoever does it keeps to.

import { MAX_CHANGES, parseChanges } from '../../lib/uci-path.ts';
import { ANYTHING, maybe, texts, whole } from '../argument.ts';
import { OperationError, type Operations, operation } from '../operation.ts';

/** How a change ended. */
export interface ChangeResult {
  /** `applied`: it stays. `rolled-back`: the router was not well with it. `rejected`: nothing of it may be done. */
  readonly st: 'applied' | 'rolled-back' | 'rejected';
  /** What was not done, and why. */
  readonly rejected: readonly { readonly path: string; readonly reason: string }[];
  readonly error?: string;
}

/** The configuration, as far as the list goes. */
export interface ConfigDesk {
  /** What options are set to, all of the list or those of the paths. */
  get(paths: readonly string[] | undefined): Promise<object>;
  /**
   * Makes the changes of a signed command on trial, and ends when they are confirmed or undone.
   * @param payload the command, signatures included: root checks it itself.
   */
  set(payload: string): Promise<ChangeResult>;
}

const CONFIRM_S = { least: 30, most: 600 } as const;
const MAX_PATH = 160;

/** The operations on the configuration. */
export function configurationOperations(desk: ConfigDesk): Operations {
  return {
    config_get: operation({
      scope: 'configure',
      isSlow: true,
      args: { paths: maybe(texts(MAX_CHANGES, MAX_PATH)) },
      run: ({ paths }) => desk.get(paths),
    }),
    config_set: operation({
      scope: 'configure',
      isSlow: true,
      args: { changes: ANYTHING, confirm_s: maybe(whole(CONFIRM_S.least, CONFIRM_S.most)) },
      async run({ changes }, { payload }) {
        // told at once, where root would say the same
        parseChanges(changes);
        const result = await desk.set(payload);
        if (result.st === 'applied') return result;
        throw new OperationError(`${result.st}${result.error === undefined ? '' : `: ${result.error}`}`, result);
      },
    }),
  };
}
