// `meshctl enroll new` and `list`: how routers come into the fleet, and which have.

import { readFileSync } from 'node:fs';
import { CAPS, type Cap } from '../../api/scope.ts';
import { InputError } from '../../errors.ts';
import { type Code, MAX_CODE, parseCard, sealCode } from '../../lib/enrolment.ts';
import { formatNodeAccess, formatPassword } from '../access.ts';
import { isOpen, nodeUrl, parseBrokerUrl, readBroker } from '../broker.ts';
import type { Command } from '../command.ts';
import { crypto } from '../crypto.ts';
import { count, formatTime } from '../display.ts';
import type { PublicKey } from '../key.ts';
import { changePins, checkSite, type Pin, readPins } from '../pin.ts';
import { type Cell, formatFields, formatTable } from '../table.ts';
import { chosenKeys, KEY_OPTION, openKeys } from './keys.ts';

const DAY_S = 86_400;
const MAX_NAME = 64;
const PASSWORD_BYTES = 16;

/** The card that an argument is, or that standard input holds. */
function readCard(text: string): string {
  return text === '-' ? readFileSync(0, 'utf8').slice(0, 4 * MAX_CODE) : text;
}

function checkName(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  if (text.trim() === '' || [...text].length > MAX_NAME || /[\p{C}/]/u.test(text))
    throw new InputError(`name: expected 1 to ${MAX_NAME} characters, none of them / or invisible`);
  return text.trim();
}

/** A key as people read it out to one another. */
function fingerprint(key: string): string {
  return key.slice(0, 32).replace(/(.{4})(?=.)/g, '$1 ');
}

const enroll: Command = {
  words: 'enroll new',
  summary: "make the code that a router's owner pastes, and pin the router's key",
  args: 'CARD',
  takes: [1, 1],
  options: {
    site: { takes: 'SITE', help: 'where it belongs: 1 to 32 of a-z, 0-9 and -' },
    name: { takes: 'NAME', help: 'what to call it here' },
    cap: { takes: 'SCOPE', help: "what its owner is asked to permit (the key's scope)" },
    days: { takes: 'DAYS', help: 'how long the code counts: 1 to 90 (7)' },
    password: { help: 'put a password into the code: the broker does not take the hash of the card' },
    ...KEY_OPTION,
  },
  details: `The owner opens the page Telemetry of the router, copies its card, and sends it by
any chat; you send the code back, and the owner pastes it there. Neither holds a
secret (but with --password the code does), and a code is for one router alone.
CARD may be - for standard input. To be sure that nobody stands between you two,
read the first digits of the keys to one another over the phone.`,
  async run(context) {
    const { args, options, output, home } = context;
    const card = parseCard(crypto, readCard(args[0]!));
    const site = checkSite(options.required('site'));
    const name = checkName(options.text('name'));
    const days = options.whole('days', 1, 90, 7);
    const broker = readBroker(home);
    const url = nodeUrl(broker);
    const keys = chosenKeys(context);
    const cap = capOf(options.text('cap'), keys);
    const signers = await openKeys(context, keys);
    const now = Math.floor(Date.now() / 1000);
    const password = options.flag('password') ? makePassword() : undefined;
    const code: Code = {
      v: 1,
      node: card.node,
      site,
      url,
      ...(password === undefined ? { salt: card.salt } : { password }),
      ...(broker.server_name !== undefined && { server_name: broker.server_name }),
      ...(broker.pins && { pins: broker.pins }),
      keys: keys.map(({ name, public: publicKey, scope }) => ({ name, public: publicKey, scope })),
      cap,
      exp: now + days * DAY_S,
    };
    const text = sealCode(code, signers);
    const pin: Pin = {
      node: card.node,
      key: card.key,
      site,
      ...(name !== undefined && { name }),
      enrolled_at: now,
      code_expires_at: code.exp,
      password_hash: password === undefined ? card.passwordHash : hashOf(password),
    };
    const before = await changePins(home, (pins) => {
      for (const one of pins.values())
        if (name !== undefined && one.name === name && one.node !== card.node)
          throw new InputError(`name: expected one that no other node has, ${one.node} is called ${name}`);
      const before = pins.get(card.node);
      if (before?.group !== undefined) pin.group = before.group;
      pins.set(card.node, pin);
      return before;
    });
    const passwordLine = `${pin.node}:${pin.password_hash}`;
    output.print(
      ...formatFields(
        [
          ['node', pin.node],
          ['key', fingerprint(pin.key)],
          ['site', site],
          ['name', name],
          ['broker', url],
          ['may order', keys.map((key) => `${key.name} (${key.scope}): ${fingerprint(key.public)}`).join(', ')],
          ['code until', formatTime(code.exp)],
        ],
        output.terminal,
      ),
      '',
      password === undefined
        ? 'code for its owner:'
        : 'code for its owner, which holds a password (send it in private):',
      text,
      '',
      "for the broker's password file (meshctl enroll passwords prints the whole of it):",
      passwordLine,
      '',
      "for the broker's access list (meshctl enroll acl prints the whole of it):",
      formatNodeAccess(pin),
      `then, once the owner has pasted it: meshctl enroll finish ${pin.node}`,
    );
    output.result({ ...pin, code: text, password_line: passwordLine, acl: formatNodeAccess(pin), url, cap });
    if (before && before.site !== site)
      output.warn(
        `it was in ${before.site} before: meshctl enroll clear ${before.site}/${pin.node} has the broker forget what it keeps there`,
      );
    if (isOpen(parseBrokerUrl(url)))
      output.warn(`${url} is neither TLS nor Yggdrasil: the router's password can be read on the way`);
  },
};

/** What the owner is asked to permit: what is said, or as much as the keys may do. @throws InputError */
function capOf(text: string | undefined, keys: readonly PublicKey[]): Cap {
  const known = CAPS.filter((cap) => cap !== 'none');
  // who decides on homes looks; the rest the gateway's own configuration says
  const scopes = keys.map(({ scope }) => (scope === 'desk' ? 'observe' : scope));
  if (text === undefined) return known.filter((cap) => scopes.includes(cap)).at(-1)!;
  const cap = known.find((one) => one === text);
  if (!cap) throw new InputError(`cap: expected one of ${known.join(', ')}, got ${JSON.stringify(text)}`);
  return cap;
}

function makePassword(): string {
  return Buffer.from(globalThis.crypto.getRandomValues(new Uint8Array(PASSWORD_BYTES))).toString('hex');
}

function hashOf(password: string): string {
  return formatPassword('x', password).slice(2);
}

/** How far a node has come, in words. */
export function progressOf(pin: Pin, now_s: number): Cell {
  if (pin.code_expires_at === undefined) return { text: 'joined', style: 'green' };
  if (pin.code_expires_at < now_s) return { text: `code expired ${formatTime(pin.code_expires_at)}`, style: 'red' };
  return { text: `code until ${formatTime(pin.code_expires_at)}`, style: 'yellow' };
}

const list: Command = {
  words: 'enroll list',
  summary: 'list the nodes whose keys are pinned',
  args: '',
  takes: [0, 0],
  options: { site: { takes: 'SITE', help: 'of this site alone' } },
  async run({ options, output, home }) {
    const site = options.text('site');
    const pins = [...readPins(home).values()]
      .filter((pin) => site === undefined || pin.site === site)
      .sort((a, b) => `${a.site}/${a.name ?? a.node}`.localeCompare(`${b.site}/${b.name ?? b.node}`, 'en'));
    const now = Math.floor(Date.now() / 1000);
    output.result({ nodes: pins.map((pin) => ({ ...pin, joined: pin.code_expires_at === undefined })) });
    if (pins.length === 0) output.print('no node is enrolled; meshctl enroll new --help tells how');
    else
      output.print(
        ...formatTable(
          pins,
          [
            { title: 'NAME', least: 8, cell: ({ name }) => name ?? '-' },
            { title: 'SITE', cell: (pin) => pin.site },
            { title: 'NODE', cell: ({ node }) => node },
            { title: 'KEY', cell: ({ key }) => key.slice(0, 16) },
            { title: 'ENROLLED', cell: ({ enrolled_at }) => formatTime(enrolled_at) },
            { title: 'STATE', cell: (pin) => progressOf(pin, now) },
          ],
          output.terminal,
        ),
        '',
        count(pins.length, 'node'),
      );
  },
};

export const ENROLL: readonly Command[] = [enroll, list];
