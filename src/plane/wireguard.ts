// WireGuard by the program `wg`: this machine's key, and who may come through a device.

import { errorText } from '../errors.ts';
import { decodeUtf8, encodeUtf8 } from '../lib/utf8.ts';
import { WIREGUARD_KEY } from '../mesh/lease-message.ts';
import { type Machine, runWell } from './machine.ts';

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
    return checked(
      (
        await runWell(this.machine, 'wg', ['pubkey'], { stdin: `${await privateKey(this.machine, this.keyPath)}\n` })
      ).trim(),
    );
  }

  /** Gives a device these peers and no others; sessions of those that stay go on. @throws (rejects) Error */
  async set(device: string, peers: readonly WireguardPeer[]): Promise<void> {
    const lines = ['[Interface]', `PrivateKey = ${await privateKey(this.machine, this.keyPath)}`];
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
}

/** This machine's private key from its file, which is made where there is none. @throws (rejects) Error that quotes no key */
export async function privateKey(machine: Machine, path: string): Promise<string> {
  const { files } = machine;
  const kept = files.read(path, 1024);
  if (kept) return checked(decodeUtf8(kept).trim());
  const made = checked((await runWell(machine, 'wg', ['genkey'])).trim());
  try {
    files.write(path, encodeUtf8(`${made}\n`), 0o600);
  } catch (cause) {
    throw new Error(`key of WireGuard not kept: ${errorText(cause)}`, { cause });
  }
  return made;
}

/** Never quotes it: it may be private. */
function checked(key: string): string {
  if (!WIREGUARD_KEY.test(key)) throw new Error('WireGuard: expected a key of 32 bytes in base64, got something else');
  return key;
}
