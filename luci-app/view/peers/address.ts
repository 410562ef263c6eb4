// Why the daemon refused an address, in words for people: which part of it is at fault, in which field, and what is expected there.

import type { Refusal } from '../part/refusal.ts';

/** The fields of the form that adds a peering. */
export const FIELDS = ['address', 'key', 'priority', 'password', 'device'] as const;
export type FieldName = (typeof FIELDS)[number];

/** What is expected of each part, by the last word of its name in the daemon's sentence (`uri: host port: expected …`). */
function makeExpectations(): Readonly<Record<string, string>> {
  const host = _('Host: a name or an address outside the mesh; IPv6 in brackets, as in tls://[2001:db8::1]:443.');
  return {
    scheme: _('Scheme: it begins with tls://, tcp://, quic://, ws://, wss://, socks://, sockstls:// or unix://.'),
    host,
    proxy: host,
    target: host,
    port: _('Port: 1 to 65535 behind a colon, as in tls://example.org:443.'),
    zone: _('Zone: behind the % stands a network device, as in tls://[fe80::1%eth0]:443.'),
    path: _('Path: ws:// and wss:// may have one, and unix:///path needs one.'),
    user: _('User: only with socks:// and sockstls://.'),
    key: _('Key: 64 hexadecimal digits.'),
    priority: _('Priority: 0 to 254.'),
    password: _('Password: at most 64 bytes.'),
    maxbackoff: _('maxbackoff: at least 5s, as in 90s or 1h30m.'),
    sni: _('sni: the name of a host.'),
    origin: _('origin: as in https://example.org.'),
    option: _('Option: key, priority, password, maxbackoff, sni or origin.'),
    device: _('Device: at most 15 characters, without blanks.'),
    '': _('Address: at most 2048 characters, without blanks and #.'),
  };
}

/** The part at fault and what is expected of it; `undefined`: that is not what was wrong. */
export function describeFault({ message, field }: Refusal): { part: string; text: string } | undefined {
  const [, part] =
    field === 'device' ? ['', field] : (/^uri: (?:[a-z]+ )*?([a-z]*)(?:: )?expected/.exec(message) ?? []);
  const text = part === undefined ? undefined : makeExpectations()[part];
  return text === undefined ? undefined : { part: part!, text };
}
