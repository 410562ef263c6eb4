// What OpenWrt's firewall, fw4, has to let pass at a gateway, in own sections of its file: what homes may do our table says, but a packet passes
// only where every table accepts it.

import { addSection, parseUci, removeSection } from '../../lib/uci.ts';
import { UciFile } from '../../system/uci-file.ts';
import { type GatewayRules, WIREGUARD_DEVICE } from '../client-rules.ts';
import type { Machine } from '../machine.ts';
import { Nft } from '../nft.ts';
import { Fw4 } from './fw4.ts';
import { isSame } from './own-section-file.ts';
import { editAtRest } from './resting-file.ts';
import type { OwnSection } from './uci-section.ts';

const FILE = 'firewall';
const ZONE = 'meshhomes';

/** What of a gateway its firewall has to know. */
export type OpenedGateway = Pick<GatewayRules, 'address' | 'port' | 'vxlanPort' | 'wireguardPort' | 'resolver'>;

/** Whether a section is one of a gateway's; those of a home have other names. */
function isGatewayName(name: string): boolean {
  return name.startsWith('mbg_');
}

/** The sections of a gateway. */
export function gatewaySections({ address, port, vxlanPort, wireguardPort, resolver }: OpenedGateway): OwnSection[] {
  const accept = (name: string, options: OwnSection['options']): OwnSection => ({
    type: 'rule',
    name: `mbg_${name}`,
    options: { ...options, target: 'ACCEPT' },
  });
  // by its address: what comes from elsewhere than the mesh our own table drops
  const outer = { src: '*', family: 'ipv6', dest_ip: address };
  const udp = (dest_port: number) => ({ ...outer, proto: 'udp', dest_port: String(dest_port) });
  return [
    {
      type: 'zone',
      name: 'mbg_zone',
      options: {
        ...{ name: ZONE, device: ['mbc+', WIREGUARD_DEVICE] },
        ...{ input: 'REJECT', output: 'ACCEPT', forward: 'REJECT' },
        // what strangers send is to open nothing
        auto_helper: '0',
      },
    },
    accept('out', { src: ZONE, dest: '*', proto: 'all' }),
    ...[4, 6].map((family) =>
      accept(`ping${family}`, { src: ZONE, family: `ipv${family}`, proto: 'icmp', icmp_type: 'echo-request' }),
    ),
    accept('inside', { src: ZONE, proto: 'tcp', dest_port: String(port) }),
    ...(resolver ? [accept('names', { src: ZONE, proto: ['tcp', 'udp'], dest_port: '53' })] : []),
    accept('registrar', { ...outer, proto: 'tcp', dest_port: String(port) }),
    accept('gre', { ...outer, proto: '47' }),
    accept('vxlan', udp(vxlanPort)),
    ...(wireguardPort === undefined ? [] : [accept('wireguard', udp(wireguardPort))]),
  ];
}

/** The text of a file with these sections of a gateway in it, and no others of one. @throws UciError */
export function withGateway(text: string, sections: readonly OwnSection[]): string {
  let result = text;
  const kept = new Set<string>();
  for (const section of parseUci(text).sections) {
    if (!isGatewayName(section.name)) continue;
    const wanted = sections.find(({ name }) => name === section.name);
    if (wanted && isSame(section, wanted)) kept.add(section.name);
    else result = removeSection(result, section.name);
  }
  for (const { type, name, options } of sections) if (!kept.has(name)) result = addSection(result, type, name, options);
  return result;
}

/** fw4 of a gateway. */
export class ClientFirewall {
  private readonly fw4: Fw4;

  /** @param directory of the UCI files */
  constructor(
    private readonly machine: Machine,
    private readonly directory: string,
  ) {
    this.fw4 = new Fw4(machine);
  }

  /** Has it let a gateway's homes pass; what stands is not touched. Without its file there is nothing to open. @throws (rejects) Error */
  async open(gateway: OpenedGateway): Promise<void> {
    const wrote = await this.write(gatewaySections(gateway));
    // a firewall that was stopped reads its file when it starts
    if (!(await this.fw4.isLoaded()) || !this.hasFile()) return;
    if (!wrote && (await this.hasZone())) return;
    await this.fw4.reload([]);
    if (!(await this.hasZone())) throw new Error(`fw4 reload: expected it to take zone ${ZONE}; see "fw4 check"`);
  }

  /** Takes everything of a gateway out of it. @throws (rejects) Error */
  async close(): Promise<void> {
    if ((await this.write([])) && (await this.fw4.isLoaded())) await this.fw4.reload([]);
  }

  private hasFile(): boolean {
    return this.machine.files.list(this.directory).includes(FILE);
  }

  private async hasZone(): Promise<boolean> {
    return (await new Nft(this.machine).show('inet fw4'))?.includes(`chain input_${ZONE} `) ?? false;
  }

  /** Whether it was written. */
  private async write(sections: readonly OwnSection[]): Promise<boolean> {
    if (!this.hasFile()) return false;
    const { files, clock } = this.machine;
    return editAtRest(clock, new UciFile(files, this.directory, FILE), (text) => withGateway(text, sections));
  }
}
