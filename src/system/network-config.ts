// The peerings in `/etc/config/network`, from which netifd's handler starts Yggdrasil: reads them, keeps and forgets them.
//
// A peering of the interface `ygg0` is a section of type `yggdrasil_ygg0_peer`: `option address` is its URI, `option interface` the
// device that it is bound to. Source: yggdrasil.sh of OpenWrt's packages feed.

import type { Json } from '../api/model.ts';
import { InputError, WireError } from '../errors.ts';
import { identityOf } from '../lib/peer-uri.ts';
import {
  addSection,
  isUciName,
  MAX_UCI_LENGTH,
  parseUci,
  removeSection,
  setOption,
  UciError,
  type UciPackage,
} from '../lib/uci.ts';
import { decodeUtf8, encodeUtf8 } from '../lib/utf8.ts';
import type { Files } from '../transport/host.ts';

/** A peering as the file has it. */
export interface ConfiguredPeer {
  uri: string;
  /** Network device that it is bound to. */
  device?: string;
  /** Name of its section, which an edit of the file may change. */
  section: string;
}

/** Which peering: Yggdrasil, too, tells them apart by URI without query, and device. */
type PeeringName = Pick<ConfiguredPeer, 'uri' | 'device'>;

/** As uci makes new files; this one holds private keys, and those who read it (netifd, rpcd, uci) are root. The port cannot tell the old mode. */
const MODE = 0o600;
/** Edits that start again because another program wrote meanwhile. */
const MAX_ATTEMPTS = 5;
const MAX_URI = 2048;

/** OpenWrt's network configuration. Every method reads the file anew, and throws Error when it cannot be read or is no UCI file. */
export class NetworkConfig {
  private readonly path: string;
  private last: { bytes: Uint8Array; tree: UciPackage } | undefined;

  constructor(
    private readonly files: Pick<Files, 'read' | 'write'>,
    directory = '/etc/config',
  ) {
    this.path = `${directory}/network`;
  }

  /** The peerings of an interface, in the file's order; `undefined` when there is no file. */
  peers(iface: string): ConfiguredPeer[] | undefined {
    const tree = this.read();
    return tree && peersOf(tree, iface);
  }

  /** What the node of an interface is told to say of itself; `undefined` when nothing is set. @throws WireError when it is no JSON. */
  nodeInfo(iface: string): Json | undefined {
    const section = this.read()?.sections.find((s) => s.type === 'interface' && s.name === iface);
    const text = section?.options.get('node_info')?.value;
    if (typeof text !== 'string') return undefined;
    try {
      return JSON.parse(fromRaw(text)) as Json;
    } catch (error) {
      throw new WireError(`network.${iface}.node_info: expected JSON`, -1, { cause: error });
    }
  }

  /**
   * Writes a peering into the file; one that is there with another query gets the new one.
   * @returns `added` when the file was written, `present` when it said so already.
   * @throws InputError on names that do not do.
   */
  keep(iface: string, name: PeeringName): 'added' | 'present' {
    checkNames(iface, name);
    const written = this.edit((text) => {
      const address = toRaw(name.uri);
      const known = findPeer(this.parse(text), iface, name);
      if (known?.uri === name.uri) return text;
      if (known) return setOption(text, known.section, 'address', address);
      const device = name.device === undefined ? undefined : { interface: toRaw(name.device) };
      return addSection(text, typeOf(iface), undefined, { address, ...device });
    });
    return written ? 'added' : 'present';
  }

  /** Takes a peering out of the file. @throws InputError on names that do not do. */
  forget(iface: string, name: PeeringName): 'removed' | 'absent' {
    checkNames(iface, name);
    const written = this.edit((text) => {
      let rest = text;
      for (;;) {
        // a removal renames the anonymous sections behind it
        const known = findPeer(this.parse(rest), iface, name);
        if (!known) return rest;
        rest = removeSection(rest, known.section);
      }
    });
    return written ? 'removed' : 'absent';
  }

  private read(): UciPackage | undefined {
    const bytes = this.files.read(this.path, MAX_UCI_LENGTH);
    if (!bytes) return undefined;
    // asked at every poll, and nearly always the same
    if (!this.last || !sameBytes(bytes, this.last.bytes)) this.last = { bytes, tree: this.parse(rawText(bytes)) };
    return this.last.tree;
  }

  /** uci's own lock is out of reach, so what another program wrote since is looked for right before writing. @returns whether it wrote. */
  private edit(change: (text: string) => string): boolean {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const before = this.files.read(this.path, MAX_UCI_LENGTH);
      const text = before ? rawText(before) : '';
      const result = change(text);
      if (result === text) return false;
      if (!sameBytes(before, this.files.read(this.path, MAX_UCI_LENGTH))) continue;
      this.files.write(this.path, rawBytes(result), MODE);
      return true;
    }
    throw new Error(`${this.path}: expected it to rest while it is edited, it changed ${MAX_ATTEMPTS} times`);
  }

  private parse(text: string): UciPackage {
    try {
      return parseUci(text);
    } catch (error) {
      if (!(error instanceof UciError)) throw error;
      // its message may quote a private key
      const where = `line ${error.line}, column ${error.column}`;
      throw new WireError(`${this.path}: expected a UCI file, it has an error in ${where}`, -1, { cause: error });
    }
  }
}

function typeOf(iface: string): string {
  return `yggdrasil_${iface}_peer`;
}

function peersOf(tree: UciPackage, iface: string): ConfiguredPeer[] {
  const peers: ConfiguredPeer[] = [];
  for (const { type, name: section, options } of tree.sections) {
    const address = options.get('address')?.value;
    const device = options.get('interface')?.value;
    if (type !== typeOf(iface) || typeof address !== 'string') continue;
    const uri = fromRaw(address);
    peers.push(typeof device === 'string' ? { uri, device: fromRaw(device), section } : { uri, section });
  }
  return peers;
}

function findPeer(tree: UciPackage, iface: string, name: PeeringName): ConfiguredPeer | undefined {
  const identity = identityOf(name.uri);
  return peersOf(tree, iface).find((peer) => identityOf(peer.uri) === identity && peer.device === name.device);
}

/** The handler uses what it reads without quotes, so nothing may hold blanks. */
function checkNames(iface: string, { uri, device }: PeeringName): void {
  if (!isUciName(iface)) throw new InputError('interface: expected a name of letters, digits and _', 'interface');
  if (uri === '' || uri.length > MAX_URI || /[\s\p{Cc}]/u.test(uri))
    throw new InputError(`uri: expected 1 to ${MAX_URI} characters without blanks`, 'uri');
  if (device !== undefined && !/^[^\s/\p{Cc}]{1,15}$/u.test(device))
    throw new InputError('device: expected a network device of 1 to 15 characters', 'device');
}

// The file is handled as raw text, one character a byte, so that what is no UTF-8 in it stays as it is.

const CHUNK = 1024;

function rawText(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += CHUNK)
    text += String.fromCharCode.apply(null, [...bytes.subarray(at, at + CHUNK)]);
  return text;
}

function rawBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

function toRaw(text: string): string {
  return rawText(encodeUtf8(text));
}

function fromRaw(text: string): string {
  return decodeUtf8(rawBytes(text));
}

function sameBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (!a || !b) return a === b;
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
