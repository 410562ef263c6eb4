// What the daemon of a gateway tells root of homes: changes as texts that fit into one call, and how they are read by whoever believes
// nothing. Inner addresses and numbers of VXLAN are not said: they follow from slots.

import { TUNNEL_KINDS } from '../api/lease.ts';
import { JsonFields, knownWords } from '../lib/json-field.ts';
import { nodeAddress } from '../lib/yggdrasil-address.ts';
import { WIREGUARD_KEY } from './lease-message.ts';
import type { Pool } from './pool.ts';
import type { ClientChange, ClientLimit, ClientTunnel, TunnelLimits } from './tunnel.ts';

/** Homes that one call adds: it has to end before rpcd's patience of 30 s does. */
const MAX_ADD = 128;
/** Numbers in each list of one call. */
const MAX_SLOTS = 1000;
/** Limits in one call. */
const MAX_LIMITS = 500;
/** Homes that a gateway can have. */
const MAX_HOMES = 65_536;
const MTU = { least: 576, most: 65_535 };
const MOST_KBITS = 100_000_000;
const MOST_FLOWS = 1_000_000;

/** A change in parts that each fit into one call, in the order in which they are to be made; a small one is one part. */
export function changeTexts({ add, remove, suspend, resume, limit = [] }: ClientChange): string[] {
  const isFew = remove.length + suspend.length + resume.length <= MAX_SLOTS;
  if (isFew && add.length + limit.length <= MAX_ADD)
    return [JSON.stringify({ remove, suspend, resume, add: add.map(said), limit: limit.map(saidLimit) })];
  const texts: string[] = [];
  // of one home, what is added counts
  for (let at = 0; at < Math.max(remove.length, suspend.length, resume.length); at += MAX_SLOTS) {
    const [removed, suspended, resumed] = [remove, suspend, resume].map((all) => all.slice(at, at + MAX_SLOTS));
    texts.push(JSON.stringify({ remove: removed, suspend: suspended, resume: resumed }));
  }
  for (let at = 0; at < add.length; at += MAX_ADD)
    texts.push(JSON.stringify({ add: add.slice(at, at + MAX_ADD).map(said) }));
  for (let at = 0; at < limit.length; at += MAX_LIMITS)
    texts.push(JSON.stringify({ limit: limit.slice(at, at + MAX_LIMITS).map(saidLimit) }));
  return texts;
}

function said({ slot, kind, outer, home6, mtu, wireguardKey, suspended, limits, block }: ClientTunnel): object {
  const more = { wireguard_key: wireguardKey, ...saidLimits(limits), block };
  return { slot, kind, outer, mtu, ipv6: home6 !== undefined, suspended, ...more };
}

function saidLimit({ slot, limits }: ClientLimit): object {
  return { slot, ...saidLimits(limits) };
}

function saidLimits({ downKbits, upKbits, flows }: TunnelLimits = {}): object {
  return { down_kbits: downKbits, up_kbits: upKbits, flows };
}

/** Reads a part of a change. @throws WireError */
export function readChange(json: unknown, pool: Pool): ClientChange {
  const fields = new JsonFields('change', json);
  const slots = (name: string): number[] => fields.list(name, MAX_SLOTS, (item) => slotOf(item, pool, fields, name));
  return {
    remove: slots('remove'),
    suspend: slots('suspend'),
    resume: slots('resume'),
    limit: fields.list('limit', MAX_LIMITS, (item) => {
      const one = new JsonFields('change.limit', item);
      return { slot: slotIn(one, pool), limits: limitsIn(one) };
    }),
    add: fields.list('add', MAX_ADD, (item) => readTunnel(new JsonFields('change.add', item), pool)),
  };
}

/** Reads a list of slots. @throws WireError */
export function readSlots(json: unknown, pool: Pool): number[] {
  const fields = new JsonFields('arguments', { slots: json });
  return fields.list('slots', MAX_HOMES, (item) => slotOf(item, pool, fields, 'slots'));
}

function slotOf(item: unknown, pool: Pool, fields: JsonFields, name: string): number {
  if (typeof item !== 'number' || !pool.has(item)) throw fields.fault(name, 'slots of homes');
  return item;
}

function slotIn(fields: JsonFields, pool: Pool): number {
  const slot = fields.whole('slot', 0, MAX_HOMES);
  if (!pool.has(slot)) throw fields.fault('slot', 'the slot of a home');
  return slot;
}

function limitsIn(fields: JsonFields): TunnelLimits {
  return {
    ...(fields.has('down_kbits') && { downKbits: fields.whole('down_kbits', 1, MOST_KBITS) }),
    ...(fields.has('up_kbits') && { upKbits: fields.whole('up_kbits', 1, MOST_KBITS) }),
    ...(fields.has('flows') && { flows: fields.whole('flows', 1, MOST_FLOWS) }),
  };
}

/** Which ports a block has, this machine's own configuration says. */
function blockOf(fields: JsonFields, pool: Pool): { block?: number } {
  if (!fields.has('block')) return {};
  const block = fields.whole('block', 0, MAX_HOMES);
  if (!pool.hasBlock(block)) throw fields.fault('block', `one of ${pool.blocks} blocks of ports`);
  return { block };
}

function readTunnel(fields: JsonFields, pool: Pool): ClientTunnel {
  const slot = slotIn(fields, pool);
  const limits = limitsIn(fields);
  const kind = fields.read('kind', knownWords(TUNNEL_KINDS), `one of ${TUNNEL_KINDS.join(', ')}`);
  return {
    slot,
    kind,
    outer: fields.read('outer', nodeAddress, 'an address of a node'),
    home4: pool.home4(slot),
    ...(fields.flag('ipv6') && { home6: pool.home6(slot) }),
    mtu: fields.whole('mtu', MTU.least, MTU.most),
    ...(kind === 'vxlan' && { vni: pool.vni(slot) }),
    ...(kind === 'wireguard' && { wireguardKey: fields.match('wireguard_key', WIREGUARD_KEY, 'a key') }),
    suspended: fields.flag('suspended'),
    ...(Object.keys(limits).length > 0 && { limits }),
    ...blockOf(fields, pool),
  };
}
