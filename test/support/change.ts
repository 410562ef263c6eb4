// A router's files that are changed from afar, and the helper's part of that over them.

import { parseUci, type UciPackage } from '../../src/lib/uci.ts';
import type { Change } from '../../src/lib/uci-path.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/lib/utf8.ts';
import { DesiredState, type Order } from '../../src/system/desired-state.ts';
import type { Files } from '../../src/transport/host.ts';
import { MemoryFiles } from './files.ts';

export const CONFIG = '/etc/config';
export const STATE = '/etc/meshbridge';
const BOOT = '/proc/sys/kernel/random/boot_id';

export const FILES: Readonly<Record<string, string>> = {
  meshbridge: `# ours
config meshbridge 'main'
	option log_level 'info'	# quiet
	option poll_idle 30

config mqtt 'fleet'
	option url 'mqtt://[300::1]'
	list metrics 'own'
	list metrics 'radio'

config key 'operator'
	option public '${'ab'.repeat(32)}'
`,
  network: `config interface 'loopback'
	option device 'lo'

config interface 'ygg0'
	option proto 'yggdrasil'
	option private_key 'c0ffee'

config yggdrasil_ygg0_peer
	option address 'tls://one.example:443?priority=5'	# a friend

config yggdrasil_ygg0_peer 'two'
	option address 'tcp://two.example:1'
	option interface 'eth0.2'

config yggdrasil_ygg0_peer
	option address 'tls://three.example:443'
`,
  wireless: `config wifi-device 'radio0'
	option type 'mac80211'
	option channel '36'
	option txpower 20

config wifi-device 'radio1'
	option channel 'auto'
	option disabled '1'

config wifi-iface 'mesh0'
	option device 'radio0'
	option key 'secret'
`,
};

/** A peering that those changes add. */
export const NEW_PEER = `quic://four.example:9?key=${'00'.repeat(32)}`;

/** Changes of three files in every way that there is. */
export const CHANGES: readonly Change[] = [
  { set: 'meshbridge.main.log_level', to: 'debug' },
  { set: 'meshbridge.main.probe', to: '0' },
  { unset: 'meshbridge.main.poll_idle' },
  { set: 'meshbridge.fleet.metrics', to: ['own', 'system', 'uplink'] },
  { set: 'meshbridge.fleet.send', to: ['tele'] },
  { remove: 'network.yggdrasil_ygg0_peer.address', value: 'tcp://two.example:1' },
  { add: 'network.yggdrasil_ygg0_peer.address', value: NEW_PEER },
  { add: 'network.yggdrasil_ygg0_peer.address', value: 'tls://one.example:443?priority=1' },
  { set: 'wireless.radio0.channel', to: '11' },
  { unset: 'wireless.radio0.txpower' },
  { set: 'wireless.radio1.disabled', to: '0' },
];

export const PATHS = Object.keys(FILES).map((name) => `${CONFIG}/${name}`);

/** A disk with those files. */
export function makeDisk(files: Readonly<Record<string, string>> = FILES): MemoryFiles {
  const disk = new MemoryFiles();
  for (const [name, text] of Object.entries(files))
    disk.all.set(`${CONFIG}/${name}`, { bytes: encodeUtf8(text), mode: 0o600 });
  boot(disk, 'first');
  return disk;
}

/** A boot has an id of its own. */
export function boot(disk: MemoryFiles, id: string): void {
  disk.all.set(BOOT, { bytes: encodeUtf8(`${id}\n`), mode: 0o444 });
}

export function textOf(disk: MemoryFiles, path: string): string {
  return decodeUtf8(disk.all.get(path)?.bytes ?? new Uint8Array());
}

/** The content of a file, whatever the order of peerings and options and the names of anonymous sections. */
export function contentOf(text: string): string[] {
  const { sections }: UciPackage = parseUci(text);
  return sections
    .map(({ type, name, anonymous, options }) => {
      const values = [...options].map(([option, { value }]) => `${option}=${JSON.stringify(value)}`).sort();
      return `${type} ${anonymous ? '' : name} ${values.join(' ')}`;
    })
    .sort();
}

/** The content of all files. */
export function contentsOf(disk: MemoryFiles): string {
  return JSON.stringify(PATHS.map((path) => contentOf(textOf(disk, path))));
}

/** The helper's part, over a disk or what is between. `loaded` gets the files whose readers were told. */
export function makeState(
  files: Files,
  options: { nowMs?: () => number; loaded?: string[][]; load?: (names: readonly string[]) => void } = {},
): DesiredState {
  const { nowMs = () => 0, loaded = [], load = () => {} } = options;
  const clock = {
    monotonicMs: nowMs,
    after: (_: number, callback: () => void) => {
      void Promise.resolve().then(callback);
      return () => {};
    },
  };
  const processes = {
    spawn: () => {
      throw new Error('nothing may be started');
    },
  };
  return new DesiredState(
    { files, clock, processes },
    {
      directory: CONFIG,
      state: STATE,
      check: () => [],
      load: async (names) => {
        load(names);
        loaded.push([...names]);
      },
    },
  );
}

/** An order of a want for the node. */
export function orderOf(gen: number, changes: readonly Change[] = CHANGES, audience: 'node' | 'site' = 'node'): Order {
  return { id: `${audience}-${gen}`, origin: { audience, gen }, confirmS: 120, changes };
}
