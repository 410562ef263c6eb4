// What the broker lets whom do: mosquitto's access list and password file, written for the nodes that are enrolled.
//
// A node's user name is its id, so everything that a node may write lies below its own level of the topics, in its own site: a node that
// was taken over can neither speak for another one nor read what others are told. Source: mosquitto.conf(5), `acl_file`.

import { pbkdf2Sync, randomBytes } from 'node:crypto';
import { InputError } from '../errors.ts';
import type { Pin } from './pin.ts';

/** What a node writes, below `mb/1/<site>/<node>/`. */
const WRITES = ['status', 'info', 'state', 'tele', 'evt/+', 'alarm/+', 'res', 'have', 'log'] as const;
const READS = ['cmd', 'want'] as const;
/** What a gateway of a group writes beside that: which list it has, and what homes used. Nobody else's programs read it. */
const GROUP_WRITES = ['held', 'use/+'] as const;
/** As mosquitto_passwd counts. */
const ROUNDS = 101;
const USER = /^[A-Za-z0-9_.-]{1,64}$/;

/** Who else has a login. */
export interface Others {
  /** People who manage the fleet. */
  operators: readonly string[];
  /** Programs that read what nodes tell, such as Telegraf. */
  readers: readonly string[];
}

/** The lines of one node. @param pins all that are enrolled, among them the other gateways of its group. */
export function formatNodeAccess(
  { node, site, group }: Pick<Pin, 'node' | 'site' | 'group'>,
  pins: readonly Pin[] = [],
): string {
  const others = pins.filter((pin) => group !== undefined && pin.group === group && pin.node !== node);
  return [
    `user ${node}`,
    ...WRITES.map((topic) => `topic write mb/1/${site}/${node}/${topic}`),
    ...READS.map((topic) => `topic read mb/1/${site}/${node}/${topic}`),
    `topic read mb/1/${site}/all/want`,
    ...(group === undefined
      ? []
      : [
          ...GROUP_WRITES.map((topic) => `topic write mb/1/${site}/${node}/${topic}`),
          `topic read mb/1/${group}/all/homes`,
          `topic read mb/1/${group}/all/part/+`,
          ...others.map((pin) => `topic read mb/1/${pin.site}/${pin.node}/use/+`),
        ]),
    '',
  ].join('\n');
}

/** A whole access list: nobody may do what it does not name. @throws InputError on a user name that would be something else in it. */
export function formatAccess(pins: Iterable<Pin>, { operators, readers }: Others): string {
  const nodes = [...pins].sort((a, b) => (a.site === b.site ? compare(a.node, b.node) : compare(a.site, b.site)));
  return [
    '# Written by meshctl enroll acl: changes are lost when it is written again.',
    ...operators.map((user) => `\nuser ${checkUser(user)}\ntopic readwrite mb/1/#\ntopic read $SYS/#`),
    ...readers.map((user) =>
      [`\nuser ${checkUser(user)}`, ...WRITES.map((topic) => `topic read mb/1/+/+/${topic}`)].join('\n'),
    ),
    '',
    ...nodes.map((pin) => `${pin.name === undefined ? '' : `# ${plain(pin.name)}\n`}${formatNodeAccess(pin, nodes)}`),
  ].join('\n');
}

/** A whole password file, but for users whose passwords meshctl does not know: `kept` are their lines, which stay. */
export function formatPasswords(pins: Iterable<Pin>, kept: readonly string[]): string {
  const lines = [...pins].flatMap(({ node, password_hash }) => (password_hash ? [`${node}:${password_hash}`] : []));
  return [...kept, ...lines.sort()].map((line) => `${line}\n`).join('');
}

/** A line of a password file. */
export function formatPassword(user: string, password: string): string {
  const salt = randomBytes(12);
  const hash = pbkdf2Sync(password, salt, ROUNDS, 64, 'sha512');
  return `${checkUser(user)}:$7$${ROUNDS}$${salt.toString('base64')}$${hash.toString('base64')}`;
}

/** @throws InputError on a user name that mosquitto or its files would take for something else. */
export function checkUser(user: string): string {
  if (!USER.test(user))
    throw new InputError(`user: expected 1 to 64 letters, digits and _ . -, got ${JSON.stringify(user)}`);
  return user;
}

function plain(name: string): string {
  return name.replace(/[^ -~]/g, '?').slice(0, 64);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
