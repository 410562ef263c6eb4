// `meshbridge --check`: says what is wrong with the configuration, and what is unsafe on the router, and ends.

import { configPath, isPlain, readConfig } from './config.ts';
import { ConfigError, errorText, InputError } from './errors.ts';
import { formatFindings, lint } from './mesh/lint.ts';
import { readRouterFacts } from './system/router-facts.ts';
import type { Host } from './transport/host.ts';

/** The file that the command line names; `undefined`: the router's own. @throws InputError */
function namedFile(args: readonly string[]): string | undefined {
  let path: string | undefined;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === '--check') continue;
    if (arg !== '--config') throw new InputError(`${arg}: unknown option with --check, which takes --config FILE`);
    path = args[++i];
    if (!path) throw new InputError('--config: expected a file');
  }
  return path;
}

/**
 * Checks the configuration; a file that is named is looked at and nothing else, for the init script does that before each start. Findings
 * do not count: exit code 0, 1 (a configuration that the daemon refuses) or 2 (bad command line, no file to read).
 */
export async function check(host: Host): Promise<void> {
  let code = 0;
  const failed = (error: unknown): void => {
    for (const line of errorText(error).split('\n')) host.log(`meshbridge: ${line}`);
    code = error instanceof ConfigError ? 1 : 2;
  };
  try {
    const named = namedFile(host.args);
    const path = named ?? configPath(host.files);
    try {
      const { found } = readConfig(host.files, path);
      host.print(`${path}: ${found ? 'ok' : 'does not exist, the defaults apply'}\n`);
    } catch (error) {
      failed(error);
    }
    // what else there is to look at is of OpenWrt
    if (named === undefined && !isPlain(host.files)) {
      const text = formatFindings(lint(await readRouterFacts(host)));
      if (text !== '') host.print(`\n${text}`);
    }
  } catch (error) {
    failed(error);
  }
  host.exit(code);
}
