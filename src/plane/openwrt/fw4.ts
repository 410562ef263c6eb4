// OpenWrt's firewall, fw4: what it has to let pass on a trial is handed to it in RAM, as data of a service of procd. Its exit codes say nothing:
// what counts is what nft shows.

import { firstLine, type Machine } from '../machine.ts';
import { Nft } from '../nft.ts';
import { askUbus } from './netifd.ts';

/** The service that has our rules. It runs nothing. */
const SERVICE = 'meshbridge.home';
const TABLE = 'inet fw4';
const RELOAD_MS = 20_000;
/** Gives the line back in files of OpenWrt, and has fw4 read them where nobody tells it of networks; stays when the package goes. */
export const LINE_SCRIPT = '/etc/uci-defaults/95-meshbridge-line';

/** A rule as fw4 takes it from procd, under the name that it has in UCI. */
export interface AcceptRule {
  readonly name: string;
  readonly options: Readonly<Record<string, string>>;
}

/** fw4 of one machine. */
export class Fw4 {
  constructor(private readonly machine: Machine) {}

  /** Whether it has its table in the kernel. @throws (rejects) Error */
  async isLoaded(): Promise<boolean> {
    return (await new Nft(this.machine).show(TABLE)) !== undefined;
  }

  /** Hands these rules to it, in RAM; none: as if there had never been any. What stands already is not touched. @throws (rejects) Error */
  async accept(rules: readonly AcceptRule[]): Promise<void> {
    const wanted = rules.map(({ options }) => ({ type: 'rule', ...options }));
    const data = await askUbus(this.machine, 'service', 'get_data', { name: SERVICE, type: 'firewall' });
    const all = (data?.[SERVICE] as Record<string, { firewall?: unknown }> | undefined)?.['*']?.firewall;
    const isSame = JSON.stringify(all ?? []) === JSON.stringify(wanted);
    const shown = await new Nft(this.machine).show(TABLE);
    if (isSame && (shown === undefined || missing(shown, rules).length === 0)) return;
    if (rules.length > 0) await askUbus(this.machine, 'service', 'set', { name: SERVICE, data: { firewall: wanted } });
    else await askUbus(this.machine, 'service', 'delete', { name: SERVICE });
    // a firewall that was stopped takes them when it starts
    if (shown !== undefined) await this.reload(rules);
  }

  /** Has it read its files anew; while it has none loaded, nothing is done. @throws (rejects) Error where what it is to let pass does not stand afterwards */
  async reload(rules: readonly AcceptRule[]): Promise<void> {
    // without netifd it would take every zone for one without devices, and shut everybody in
    const isAlone = (await this.machine.run('ubus', ['list', 'network.interface'])).code !== 0;
    const argv = isAlone ? ['sh', LINE_SCRIPT, 'firewall'] : ['fw4', '-q', 'reload'];
    const { code, stderr } = await this.machine.run(argv[0]!, argv.slice(1), { timeoutMs: RELOAD_MS });
    const shown = await new Nft(this.machine).show(TABLE);
    const lost = shown === undefined ? rules.map(({ name }) => name) : missing(shown, rules);
    if (lost.length === 0 && code === 0) return;
    const said = firstLine(stderr) || `it ended with ${code}`;
    throw new Error(`fw4 reload: expected it to take ${lost.join(', ') || 'its files'} (${said}); see "fw4 check"`);
  }
}

/** Names of the rules that do not stand in the table, as nft shows it. */
function missing(shown: string, rules: readonly AcceptRule[]): string[] {
  const lines = shown.split('\n').filter((line) => /\baccept\b|jump accept/.test(line));
  return rules
    .filter(({ options: { device, src_ip, dest } }) => {
      const word = device === undefined ? (src_ip ?? `accept_to_${dest}`) : `oifname "${device}"`;
      return !lines.some((line) => line.includes(word));
    })
    .map(({ name }) => name);
}
