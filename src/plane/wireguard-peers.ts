// Homes that come to a gateway by WireGuard: one device for all, each a peer that may send from its inner addresses only.

import { WIREGUARD_KEY } from '../mesh/lease-message.ts';
import type { ClientTunnel } from '../mesh/tunnel.ts';
import { CLIENT_GROUP } from './client-device.ts';
import { WIREGUARD_DEVICE } from './client-rules.ts';
import { type Machine, runWell } from './machine.ts';
import { privateKey } from './wireguard.ts';

/** What the Internet takes; routes to homes have the MTU of each. */
const MTU = 1500;
/** Where it is whatever else made `/dev`; a pipe can be opened by it. */
const STDIN = '/proc/self/fd/0';
/** Peers that are removed by one run. */
const REMOVED = 256;

/** The device and its peers. */
export class WireguardPeers {
  /** @param keyPath of the private key. @param port UDP. */
  constructor(
    private readonly machine: Machine,
    private readonly port: number,
    private readonly keyPath: string,
  ) {}

  /** Makes the device be, with a key of its own. @throws (rejects) Error */
  async start(): Promise<void> {
    const { files } = this.machine;
    if (!files.list('/sys/class/net').includes(WIREGUARD_DEVICE))
      await runWell(this.machine, 'ip', ['link', 'add', WIREGUARD_DEVICE, 'type', 'wireguard']);
    await privateKey(this.machine, this.keyPath);
    const port = String(this.port);
    await runWell(this.machine, 'wg', ['set', WIREGUARD_DEVICE, 'listen-port', port, 'private-key', this.keyPath]);
    await runWell(this.machine, 'ip', [
      ...['link', 'set', 'dev', WIREGUARD_DEVICE, 'group', String(CLIENT_GROUP), 'mtu', String(MTU), 'up'],
    ]);
  }

  /** Lets homes in; who is in already is not touched. @throws (rejects) Error */
  async add(homes: readonly ClientTunnel[]): Promise<void> {
    const peers = homes.map(({ wireguardKey, home4, home6 }) => {
      if (wireguardKey === undefined || !WIREGUARD_KEY.test(wireguardKey))
        throw new Error('wireguard: expected a key of 32 bytes in base64');
      const allowed = [`${home4}/32`, ...(home6 === undefined ? [] : [`${home6}/128`])];
      return `[Peer]\nPublicKey = ${wireguardKey}\nAllowedIPs = ${allowed.join(', ')}\n`;
    });
    await runWell(this.machine, 'wg', ['addconf', WIREGUARD_DEVICE, STDIN], { stdin: peers.join('') });
  }

  /** Removes the peers that are not wanted, by their key and inner addresses. @throws (rejects) Error */
  async prune(isWanted: (key: string, addresses: readonly string[]) => boolean): Promise<void> {
    const listing = await runWell(this.machine, 'wg', ['show', WIREGUARD_DEVICE, 'allowed-ips']);
    const gone = listing.split('\n').flatMap((line) => {
      const [key = '', allowed = ''] = line.split('\t');
      const addresses = allowed.split(' ').map((text) => text.split('/')[0]!);
      return key === '' || isWanted(key, addresses) ? [] : [key];
    });
    for (let at = 0; at < gone.length; at += REMOVED) {
      const peers = gone.slice(at, at + REMOVED).flatMap((key) => ['peer', key, 'remove']);
      await runWell(this.machine, 'wg', ['set', WIREGUARD_DEVICE, ...peers]);
    }
  }
}
