// A home on OpenWrt: its tunnel is netifd's, what passes is fw4's, whom the LAN asks is dnsmasq's. On a trial all of it is in RAM; what is kept
// stands in own sections of UCI. The kill switch is neither's: see home-rules.ts.

import type { TunnelKind } from '../../api/lease.ts';
import type { Slot } from '../../mesh/tunnel.ts';
import type { TunnelDevice } from '../device.ts';
import type { HomePart } from '../home-part.ts';
import type { HomeFacts } from '../home-rules.ts';
import { type Machine, runWell } from '../machine.ts';
import { setUpstreams } from './dnsmasq.ts';
import { type AcceptRule, Fw4 } from './fw4.ts';
import { Netifd } from './netifd.ts';
import {
  closedForwardings,
  HOME_FILES,
  type HomeFile,
  isSame,
  OWN_LOOKUPS,
  type OwnContent,
  openForwardings,
  readOwn,
  writeOwn,
} from './own-section-file.ts';
import { handlerOf, innerOptions, interfaceNames, tunnelDeviceName, tunnelOptions } from './tunnel-interface.ts';
import { acceptRules, type OwnSection, routingSections, tunnelSections } from './uci-section.ts';

/** Loads the rules to start with, where nothing of ours stands yet: fw4 runs it whenever it starts. */
const GUARD_SCRIPT = '/usr/share/meshbridge/guard.sh';
const RESTART_MS = 20_000;

/** What OpenWrt's programs make of a home. */
export class OpenwrtPart implements HomePart {
  private readonly netifd: Netifd;
  private readonly fw4: Fw4;

  /** @param directory of the UCI files */
  constructor(
    private readonly machine: Machine,
    private readonly directory = '/etc/config',
  ) {
    this.netifd = new Netifd(machine);
    this.fw4 = new Fw4(machine);
  }

  async expectPrograms(): Promise<void> {
    const { stdout, stderr } = await this.machine.run('ip', ['-V']);
    if (!/iproute2/.test(stdout + stderr))
      throw new Error("ip: expected iproute2's, got BusyBox's, which knows no suppress_prefixlength: install ip-full");
  }

  async problemOf(kind: TunnelKind): Promise<string | undefined> {
    const handler = handlerOf(kind);
    if (!handler || (await this.netifd.handlers()).includes(handler.proto)) return undefined;
    return `netifd has no protocol ${handler.proto}: install ${handler.from}, then restart the network`;
  }

  deviceName(slot: Slot, kind: TunnelKind | undefined): string {
    return tunnelDeviceName(slot, kind);
  }

  async make(slot: Slot, device: TunnelDevice): Promise<boolean> {
    await this.remove(slot);
    if (!handlerOf(device.kind)) return false;
    const { tunnel, inner } = interfaceNames(slot);
    if (await this.netifd.find(tunnel)) {
      const kept = readOwn(this.machine.files, this.directory, 'network');
      const wanted = tunnelSections(slot, device);
      if (wanted.every((one) => kept.has(one.name) && isSame(kept.get(one.name)!, one))) {
        await this.netifd.set(tunnel, 'up');
        await this.netifd.set(inner, 'up');
        return true;
      }
      // the other gateway is not there to stay, but its name is needed
      await this.write('network', { sections: [...kept.values()].filter(({ name }) => !isOf(slot, name)) });
      await this.netifd.reload();
      await this.netifd.expectGone(inner);
      await this.netifd.expectGone(tunnel);
    }
    await this.netifd.add(tunnel, tunnelOptions(device));
    await this.netifd.add(inner, innerOptions(slot, device));
    return true;
  }

  async remove(slot: Slot): Promise<void> {
    const { tunnel, inner } = interfaceNames(slot);
    for (const name of [inner, tunnel]) {
      const shown = await this.netifd.find(name);
      if (shown?.isDynamic) await this.netifd.remove(name);
      // what was kept is there again after a power-cycle
      else if (shown?.isUp) await this.netifd.set(name, 'down');
    }
  }

  async settle(facts: HomeFacts): Promise<void> {
    await this.fw4.accept(this.missingRules(facts));
    const terms = facts.used === undefined ? undefined : facts.tunnels[facts.used];
    await setUpstreams(this.machine, facts.blocked ? (terms ?? 'none') : 'line');
  }

  async keep(facts: HomeFacts, device: TunnelDevice | undefined): Promise<void> {
    const interfaces = await this.netifd.interfaces();
    const networkOf = (name: string): string | undefined =>
      interfaces.find((one) => one.device === name && !one.isDynamic)?.name;
    const tunnel = device === undefined || facts.used === undefined ? [] : tunnelSections(facts.used, device);
    const network = [...tunnel, ...routingSections(facts, networkOf)];
    const changed = await this.write('network', { sections: network });
    const near = await this.zonesOf([...facts.lan, ...facts.mesh]);
    const own = await this.zonesOf(facts.lan);
    const rules = acceptRules(facts).filter(({ name }) => name.endsWith(String(facts.used)));
    const include = { type: 'script', path: GUARD_SCRIPT, fw4_compatible: '1' };
    const sections: OwnSection[] = [
      ...rules.map((rule) => ({ type: 'rule', ...rule })),
      { type: 'include', name: 'mb_guard', options: include },
    ];
    const isFirewalled = await this.write('firewall', {
      sections,
      change: closedForwardings((src, dest) => own.includes(src) && !near.includes(dest)),
    });
    const isAsked = await this.write('dhcp', { sections: [], change: OWN_LOOKUPS });
    if (changed) {
      await this.netifd.reload();
      for (const { type, name } of tunnel) if (type === 'interface') await this.netifd.expectUp(name);
    }
    if (isFirewalled && (await this.fw4.isLoaded())) await this.fw4.reload(rules);
    if (isAsked) await this.restartResolver();
  }

  async undo(): Promise<void> {
    const failures: unknown[] = [];
    // each part, whatever becomes of the others: ubus may be dead
    const attempt = async <T>(part: () => Promise<T>): Promise<T | undefined> => {
      try {
        return await part();
      } catch (error) {
        failures.push(error);
        return undefined;
      }
    };
    const written = new Set<HomeFile>();
    for (const name of HOME_FILES) if (await attempt(() => this.write(name, { sections: [] }))) written.add(name);
    if (written.has('network')) await attempt(() => this.netifd.reload());
    for (const slot of [0, 1] as const) {
      await attempt(() => this.remove(slot));
      const { tunnel, inner } = interfaceNames(slot);
      for (const name of [inner, tunnel]) await attempt(() => this.netifd.expectGone(name));
    }
    await attempt(() => this.fw4.accept([]));
    await attempt(async () => {
      if (written.has('firewall') && (await this.fw4.isLoaded())) await this.fw4.reload([]);
    });
    await attempt(() => setUpstreams(this.machine, 'line'));
    if (written.has('dhcp')) await attempt(() => this.restartResolver());
    if (failures.length > 0) throw failures[0];
  }

  /** What fw4 has to let pass and does not by UCI. */
  private missingRules(facts: HomeFacts): AcceptRule[] {
    const kept = readOwn(this.machine.files, this.directory, 'firewall');
    const rules = acceptRules(facts).filter(({ name, options }) => {
      const one = kept.get(name);
      return !one || !isSame(one, { type: 'rule', name, options });
    });
    if (facts.blocked) return rules;
    // the line serves for a while: the way that is closed in UCI is opened in RAM
    const closed = openForwardings(this.machine.files, this.directory);
    return [
      ...rules,
      ...closed.map(({ src, dest }) => ({
        name: `mb_line_${src}`,
        options: { src, dest, proto: 'all', target: 'ACCEPT' },
      })),
    ];
  }

  /** Names of fw4's zones that devices are in. */
  private async zonesOf(devices: readonly string[]): Promise<string[]> {
    const zones: string[] = [];
    for (const device of devices) {
      const { code, stdout } = await this.machine.run('fw4', ['-q', 'device', device]);
      if (code === 0) zones.push(stdout.trim());
    }
    return zones.filter((zone) => zone !== '');
  }

  private write(name: HomeFile, content: OwnContent): Promise<boolean> {
    return writeOwn(this.machine, this.directory, name, content);
  }

  private async restartResolver(): Promise<void> {
    await runWell(this.machine, '/etc/init.d/dnsmasq', ['restart'], { timeoutMs: RESTART_MS });
  }
}

function isOf(slot: Slot, section: string): boolean {
  const { tunnel, inner } = interfaceNames(slot);
  return section === tunnel || section === inner || section.startsWith(`mb_neighbour${slot}`);
}
