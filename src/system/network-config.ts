// What `/etc/config/network`, from which netifd's handler starts Yggdrasil, says of it: reads it, keeps and forgets peerings, announces.
//
// A peering of the interface `ygg0` is a section of type `yggdrasil_ygg0_peer`: `option address` is its URI, `option interface` the
// device that it is bound to. Source: yggdrasil.sh of OpenWrt's packages feed.

import type { ConfiguredInterface } from '../api/helper.ts';
import { InputError } from '../errors.ts';
import { type Announcement, mergeNodeInfo } from '../lib/node-info.ts';
import { identityOf } from '../lib/peer-text.ts';
import { parsePeerUri } from '../lib/peer-uri.ts';
import { hasBlank } from '../lib/text.ts';
import {
  addSection,
  parseUci,
  removeOption,
  removeSection,
  setOption,
  type UciPackage,
  type UciSection,
} from '../lib/uci.ts';
import { fromRaw, toRaw, UciFile, type UciFiles } from './uci-file.ts';

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

const MAX_URI = 2048;

/** OpenWrt's network configuration. Every method reads the file anew, and throws Error when it cannot be read or is no UCI file. */
export class NetworkConfig {
  private readonly file: UciFile;

  constructor(files: UciFiles, directory: string) {
    this.file = new UciFile(files, directory, 'network');
  }

  /** The interfaces of protocol yggdrasil with their peerings, in the file's order; `undefined` when there is no file. */
  interfaces(): ConfiguredInterface[] | undefined {
    const tree = this.file.read();
    return (
      tree &&
      yggdrasilSections(tree).map(({ name, options }) => {
        const peers = peersOf(tree, name).map(({ section: _, ...peer }) => peer);
        const nodeInfo = options.get('node_info')?.value;
        const known = { interface: name, peers };
        return typeof nodeInfo === 'string' ? { ...known, node_info: fromRaw(nodeInfo) } : known;
      })
    );
  }

  /** @throws InputError unless there is such an interface of protocol yggdrasil. */
  expectInterface(iface: string): void {
    checkInterface(iface);
    this.find(this.file.read() ?? { sections: [] }, iface);
  }

  /**
   * Puts an announcement into the node info of an interface.
   * @throws InputError when there is no such interface, or as `mergeNodeInfo` does.
   */
  announce(iface: string, announcement: Announcement): 'changed' | 'same' {
    checkInterface(iface);
    const written = this.file.edit((text, tree) => {
      const old = this.find(tree, iface).options.get('node_info')?.value ?? '';
      if (typeof old !== 'string') throw new InputError('node_info: expected one value, it is a list', 'node_info');
      const merged = toRaw(mergeNodeInfo(fromRaw(old), announcement));
      if (merged === old) return text;
      return merged === '' ? removeOption(text, iface, 'node_info') : setOption(text, iface, 'node_info', merged);
    });
    return written ? 'changed' : 'same';
  }

  /**
   * Writes a peering into the file; one that is there with another query gets the new one.
   * @returns `added` when the file was written, `present` when it said so already.
   * @throws InputError on names that do not do, and on an interface that is not one of protocol yggdrasil: nobody would read it.
   */
  keep(iface: string, name: PeeringName): 'added' | 'present' {
    checkNames(iface, name);
    parsePeerUri(name.uri);
    const written = this.file.edit((text, tree) => {
      const address = toRaw(name.uri);
      this.find(tree, iface);
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
    const written = this.file.edit((text, tree) => {
      let rest = text;
      for (let now = tree; ; now = parseUci(rest)) {
        // a removal renames the anonymous sections behind it
        const known = findPeer(now, iface, name);
        if (!known) return rest;
        rest = removeSection(rest, known.section);
      }
    });
    return written ? 'removed' : 'absent';
  }

  private find(tree: UciPackage, iface: string): UciSection {
    const section = yggdrasilSections(tree).find(({ name }) => name === iface);
    if (section) return section;
    throw new InputError(`interface: ${this.file.path} has no interface "${iface}" of protocol yggdrasil`, 'interface');
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

/** An interface's name is its device's. */
function checkInterface(iface: string): void {
  if (!/^[A-Za-z0-9_]{1,15}$/.test(iface))
    throw new InputError('interface: expected 1 to 15 letters, digits and _', 'interface');
}

/** The handler uses what it reads without quotes, so nothing may hold blanks. */
function checkNames(iface: string, { uri, device }: PeeringName): void {
  checkInterface(iface);
  if (uri === '' || uri.length > MAX_URI || hasBlank(uri))
    throw new InputError(`uri: expected 1 to ${MAX_URI} characters without blanks`, 'uri');
  if (device !== undefined && (!/^[^/]{1,15}$/u.test(device) || hasBlank(device)))
    throw new InputError('device: expected a network device of 1 to 15 characters', 'device');
}
