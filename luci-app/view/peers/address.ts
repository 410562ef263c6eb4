// Why the daemon refused an address, in words for people: which part of it is at fault, in which field, and what is expected there.

import type { Refusal } from '../part/refusal.ts';

/** The fields of the form that adds a peering. */
export const FIELDS = ['address', 'key', 'priority', 'password', 'device'] as const;
export type FieldName = (typeof FIELDS)[number];

/** What is expected of each part, by the last word of its name in the daemon's sentence (`uri: host port: expected …`). */
function expectationOf(part: string): string | undefined {
  switch (part) {
    case 'scheme':
      return _('Scheme: it begins with tls://, tcp://, quic://, ws://, wss://, socks://, sockstls:// or unix://.');
    case 'host':
    case 'proxy':
    case 'target':
      return _('Host: a name or an address outside the mesh; IPv6 in brackets, as in tls://[2001:db8::1]:443.');
    case 'port':
      return _('Port: 1 to 65535 behind a colon, as in tls://example.org:443.');
    case 'zone':
      return _('Zone: behind the % stands a network device, as in tls://[fe80::1%eth0]:443.');
    case 'path':
      return _('Path: ws:// and wss:// may have one, and unix:///path needs one.');
    case 'user':
      return _('User: only with socks:// and sockstls://.');
    case 'key':
      return _('Key: 64 hexadecimal digits.');
    case 'priority':
      return _('Priority: 0 to 254.');
    case 'password':
      return _('Password: at most 64 bytes.');
    case 'maxbackoff':
      return _('maxbackoff: at least 5s, as in 90s or 1h30m.');
    case 'sni':
      return _('sni: the name of a host.');
    case 'origin':
      return _('origin: as in https://example.org.');
    case 'option':
      return _('Option: key, priority, password, maxbackoff, sni or origin.');
    case 'device':
      return _('Device: at most 15 characters, without blanks.');
    case '':
      return _('Address: at most 2048 characters, without blanks and #.');
    default:
      return undefined;
  }
}

/** The part at fault and what is expected of it; `undefined`: that is not what was wrong. */
export function describeFault({ message, field }: Refusal): { part: string; text: string } | undefined {
  if (field === 'device') return { part: 'device', text: expectationOf('device')! };
  const [, part] = /^uri: (?:[a-z]+ )*?([a-z]*)(?:: )?expected/.exec(message) ?? [];
  const text = part === undefined ? undefined : expectationOf(part);
  return text === undefined ? undefined : { part: part!, text };
}
