// The peerings in `/etc/config/network`, from which netifd's handler starts Yggdrasil: reads them, keeps and forgets them.
//
// A peering of the interface `ygg0` is a section of type `yggdrasil_ygg0_peer`: `option address` is its URI, `option interface` the
// device that it is bound to. Source: yggdrasil.sh of OpenWrt's packages feed.

import type { ConfiguredInterface } from '../api/helper.ts';
import { InputError, WireError } from '../errors.ts';
import { identityOf, parsePeerUri } from '../lib/peer-uri.ts';
import { hasBlank } from '../lib/text.ts';
import {
  addSection,
  MAX_UCI_LENGTH,
  parseUci,
  removeSection,
  setOption,
  UciError,
  type UciPackage,
  type UciSection,
} from '../lib/uci.ts';
import { decodeUtf8, encodeUtf8 } from '../lib/utf8.ts';
import type { Files } from '../transport/host.ts';

/** A peering as the file has it. */
interface ConfiguredPeer {
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

  constructor(
    private readonly files: Pick<Files, 'read' | 'write' | 'list' | 'remove'>,
    private readonly directory: string,
  ) {
    this.path = `${directory}/network`;
  }

  /** The interfaces of protocol yggdrasil with their peerings, in the file's order; `undefined` when there is no file. */
  interfaces(): ConfiguredInterface[] | undefined {
    const bytes = this.files.read(this.path, MAX_UCI_LENGTH);
    if (!bytes) return undefined;
    const tree = this.parse(rawText(bytes));
    return yggdrasilSections(tree).map(({ name, options }) => {
      const peers = peersOf(tree, name).map(({ section: _, ...peer }) => peer);
      const nodeInfo = options.get('node_info')?.value;
      const known = { interface: name, peers };
      return typeof nodeInfo === 'string' ? { ...known, node_info: fromRaw(nodeInfo) } : known;
    });
  }

  /**
   * Writes a peering into the file; one that is there with another query gets the new one.
   * @returns `added` when the file was written, `present` when it said so already.
   * @throws InputError on names that do not do, and on an interface that is not one of protocol yggdrasil: nobody would read it.
   */
  keep(iface: string, name: PeeringName): 'added' | 'present' {
    checkNames(iface, name);
    parsePeerUri(name.uri);
    const written = this.edit((text) => {
      const address = toRaw(name.uri);
      const tree = this.parse(text);
      if (!yggdrasilSections(tree).some((section) => section.name === iface))
        throw new InputError(`interface: ${this.path} has no interface "${iface}" of protocol yggdrasil`, 'interface');
      const known = findPeer(tree, iface, name);
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

  /**
   * What another program wrote since is looked for right before writing. uci's lock would be no help: it is on the file that is replaced,
   * libuci lets go of it before it renames, and who waited for it goes on with the file that is gone. @returns whether it wrote.
   */
  private edit(change: (text: string) => string): boolean {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const before = this.files.read(this.path, MAX_UCI_LENGTH);
      const text = before ? rawText(before) : '';
      const result = change(text);
      if (result === text) return false;
      if (!sameBytes(before, this.files.read(this.path, MAX_UCI_LENGTH))) continue;
      this.removeLeftovers();
      this.files.write(this.path, rawBytes(result), MODE);
      return true;
    }
    throw new Error(`${this.path}: expected it to rest while it is edited, it changed ${MAX_ATTEMPTS} times`);
  }

  /** Those that were killed while they wrote leave private keys behind. Only one helper writes at a time. */
  private removeLeftovers(): void {
    for (const name of this.files.list(this.directory))
      if (/^network~[A-Za-z0-9]{6}$/.test(name)) this.files.remove(`${this.directory}/${name}`);
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

function yggdrasilSections({ sections }: UciPackage): UciSection[] {
  return sections.filter(({ type, options }) => type === 'interface' && options.get('proto')?.value === 'yggdrasil');
}

function findPeer(tree: UciPackage, iface: string, name: PeeringName): ConfiguredPeer | undefined {
  const identity = identityOf(name.uri);
  return peersOf(tree, iface).find((peer) => identityOf(peer.uri) === identity && peer.device === name.device);
}

/** An interface's name is its device's. The handler uses what it reads without quotes, so nothing may hold blanks. */
function checkNames(iface: string, { uri, device }: PeeringName): void {
  if (!/^[A-Za-z0-9_]{1,15}$/.test(iface))
    throw new InputError('interface: expected 1 to 15 letters, digits and _', 'interface');
  if (uri === '' || uri.length > MAX_URI || hasBlank(uri))
    throw new InputError(`uri: expected 1 to ${MAX_URI} characters without blanks`, 'uri');
  if (device !== undefined && (!/^[^/]{1,15}$/u.test(device) || hasBlank(device)))
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
