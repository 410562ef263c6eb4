// `meshbridge --check`: says what is wrong with the configuration, and ends.

import { parseArguments, readConfig } from './app.ts';
import { ConfigError, errorText } from './errors.ts';
import type { Host } from './transport/host.ts';

/** Checks the configuration that the command line names; exit code 0, 1 (bad configuration) or 2 (bad command line, no file to read). */
export function check(host: Host): void {
  try {
    const { config } = parseArguments(host.args);
    const found = readConfig(host, config).found;
    host.print(`${config}: ${found ? 'ok' : 'does not exist, the defaults apply'}\n`);
    host.exit(0);
  } catch (error) {
    for (const line of errorText(error).split('\n')) host.log(`meshbridge: ${line}`);
    host.exit(error instanceof ConfigError ? 1 : 2);
  }
}
