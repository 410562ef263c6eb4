// WireGuard by the program `wg`: this machine's key, and who may come through a device.

import { errorText } from '../errors.ts';
import { decodeUtf8, encodeUtf8 } from '../lib/utf8.ts';
import { type Machine, runWell } from './machine.ts';

const KEY = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/;

/** Who may come through a device, and which inner addresses are theirs. */
export interface WireguardPeer {
  /** Public, base64. */
  readonly key: string;
  /** Where packets for it go; absent: where it came from last. */
  readonly endpoint?: { readonly address: string; readonly port: number };
  /** Prefixes. */
  readonly allowed: readonly string[];
}

/** WireGuard of one machine. */
export class Wireguard {
  /**
   * @param keyPath of the file with this machine's private key; made when it is first needed.
   * @param directory in RAM, of root or of whoever runs this, for files of a moment.
   */
  constructor(
    private readonly machine: Machine,
    private readonly keyPath: string,
    private readonly directory: string,
  ) {}

  /** This machine's public key, base64. @throws (rejects) Error where there is no `wg`, or the key can be neither read nor kept. */
  async publicKey(): Promise<string> {
    return checked((await runWell(this.machine, 'wg', ['pubkey'], { stdin: `${await this.privateKey()}\n` })).trim());
  }

  /** Gives a device these peers and no others; sessions of those that stay go on. @param port UDP; absent: any. @throws (rejects) Error */
  async set(device: string, port: number | undefined, peers: readonly WireguardPeer[]): Promise<void> {
    const lines = ['[Interface]', `PrivateKey = ${await this.privateKey()}`];
    if (port !== undefined) lines.push(`ListenPort = ${port}`);
    for (const { key, endpoint, allowed } of peers) {
      lines.push('[Peer]', `PublicKey = ${key}`, `AllowedIPs = ${allowed.join(', ')}`);
      if (endpoint) lines.push(`Endpoint = [${endpoint.address}]:${endpoint.port}`);
    }
    const path = `${this.directory}/${device}.conf`;
    const { files } = this.machine;
    try {
      files.write(path, encodeUtf8(`${lines.join('\n')}\n`), 0o600);
      await runWell(this.machine, 'wg', ['syncconf', device, path]);
    } finally {
      files.remove(path);
    }
  }

  /** Bytes from and to each peer of a device, by its key. @throws (rejects) Error */
  async transfer(device: string): Promise<Map<string, { rxBytes: number; txBytes: number }>> {
    const rows = (await runWell(this.machine, 'wg', ['show', device, 'transfer'])).trim().split('\n');
    return new Map(
      rows
        .map((row) => row.split('\t'))
        .filter((row) => row.length === 3)
        .map(([key, rx, tx]) => [key!, { rxBytes: Number(rx), txBytes: Number(tx) }]),
    );
  }

  private async privateKey(): Promise<string> {
    const { files } = this.machine;
    const kept = files.read(this.keyPath, 1024);
    if (kept) return checked(decodeUtf8(kept).trim());
    const made = checked((await runWell(this.machine, 'wg', ['genkey'])).trim());
    try {
      files.write(this.keyPath, encodeUtf8(`${made}\n`), 0o600);
    } catch (cause) {
      throw new Error(`key of WireGuard not kept: ${errorText(cause)}`, { cause });
    }
    return made;
  }
}

/** Never quotes it: it may be private. */
function checked(key: string): string {
  if (!KEY.test(key)) throw new Error('WireGuard: expected a key of 32 bytes in base64, got something else');
  return key;
}
