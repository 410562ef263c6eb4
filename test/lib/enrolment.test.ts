import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeBase32 } from '../../src/lib/base32.ts';
import { type Code, makeCard, openCode, parseCard, passwordOf, saltOf, sealCode } from '../../src/lib/enrolment.ts';
import { sealEnvelope } from '../../src/lib/envelope.ts';
import { keyIdOf } from '../../src/lib/node-id.ts';
import { identityOf } from '../../src/system/node-key.ts';
import { crypto } from '../support/crypto.ts';
import { MADE_NODE, MADE_SEED, makeCode, OPERATOR, OPERATOR_SEED, SALT } from '../support/enrolment.ts';

const SALT_BYTES = saltOf({ salt: SALT })!;
const CARD = makeCard(crypto, MADE_SEED, SALT_BYTES);
const DAMAGED = (what: string) => new RegExp(`^${what}: expected it whole and as it was sent`);

/** As chats and mails leave a long text. */
const MANGLED: [how: string, mangle: (text: string) => string][] = [
  ['as it is', (text) => text],
  ['broken into lines', (text) => text.replace(/.{60}/g, '$&\r\n')],
  ['quoted', (text) => text.replace(/.{60}/g, '$&\n> ')],
  ['begun with a capital', (text) => text[0]!.toUpperCase() + text.slice(1)],
  ['in capitals, with blanks', (text) => `  ${text.toUpperCase().replace(/.{8}/g, '$& ')}\u200b`],
];

const cards = suite('makeCard and parseCard');
for (const [how, mangle] of MANGLED)
  cards(`read a card ${how}`, () => {
    const { node, key, salt, passwordHash } = parseCard(crypto, mangle(CARD));
    assert.equal([node, salt], [MADE_NODE, SALT]);
    assert.is(key, identityOf(crypto, MADE_SEED).publicKey);
    assert.match(passwordHash, /^\$7\$101\$AQIDBAUGBwgJCgsM\$[A-Za-z0-9+/]{86}==$/);
  });
cards('hold no secret', () => {
  for (const secret of [encodeBase32(MADE_SEED), passwordOf(crypto, MADE_SEED, SALT_BYTES)])
    assert.not.ok(CARD.includes(secret.slice(0, 12)));
});
cards('give another password for each salt and each router', () => {
  const passwords = [
    passwordOf(crypto, MADE_SEED, SALT_BYTES),
    passwordOf(crypto, MADE_SEED, new Uint8Array(12)),
    passwordOf(crypto, OPERATOR_SEED, SALT_BYTES),
  ];
  assert.is(new Set(passwords).size, 3);
  for (const password of passwords) assert.match(password, /^[a-z2-7]{26}$/);
});
cards('refuse a card that differs by one character, wherever', () => {
  for (let at = 6; at < CARD.length; at += 5) {
    const other = CARD[at] === 'a' ? 'b' : 'a';
    const text = CARD.slice(0, at) + other + CARD.slice(at + 1);
    assert.throws(() => parseCard(crypto, text), at < 8 ? /^card: expected/ : DAMAGED('card'));
  }
});
cards('refuse what is cut, longer, or something else', () => {
  for (const text of [CARD.slice(0, -1), CARD.slice(0, -8), `${CARD}aaaaaaaa`, 'mbcard', `mbcard${'!'.repeat(10)}`])
    assert.throws(() => parseCard(crypto, text), /^card: expected/);
  assert.throws(() => parseCard(crypto, ''), /^card: expected a text that begins with mbcard$/);
  assert.throws(() => parseCard(crypto, makeCode()), /^card: expected a text that begins with mbcard, got a code/);
  assert.throws(() => parseCard(crypto, `mbcard${'a'.repeat(100_000)}`), /^card: expected at most 1000 characters/);
});
cards('refuse a key that signs anything', () => {
  // the neutral point: its signature R = A, S = 0 holds of every message where that is not looked for
  const body = new Uint8Array(173);
  body[0] = 1;
  body[1] = 1;
  body[109] = 1;
  assert.throws(() => parseCard(crypto, `mbcard${encodeBase32(body)}`), DAMAGED('card'));
});
cards.run();

// ---

const codes = suite('sealCode and openCode');
for (const [how, mangle] of MANGLED)
  codes(`read a code ${how}`, () => {
    const code = openCode(crypto, mangle(makeCode({ pins: [`${'A'.repeat(43)}=`] })));
    assert.equal(code, {
      v: 1,
      node: MADE_NODE,
      site: 'elm-street',
      url: 'mqtts://broker.example.org:8883',
      salt: SALT,
      keys: [{ name: 'anna', public: OPERATOR, scope: 'configure' }],
      cap: 'operate',
      exp: 1_900_000_000,
      pins: [`${'A'.repeat(43)}=`],
    } satisfies Code);
    assert.equal(saltOf(code), SALT_BYTES);
  });
codes('may hold a password instead', () => {
  const code = openCode(crypto, makeCode({ salt: undefined, password: 'hunter2' }));
  assert.is(code.password, 'hunter2');
  assert.is(saltOf(code), undefined);
});
codes('are refused when one character differs, wherever', () => {
  const text = makeCode();
  for (let at = 6; at < text.length; at += 17) {
    const other = text[at] === 'e' ? 'f' : 'e';
    assert.throws(() => openCode(crypto, text.slice(0, at) + other + text.slice(at + 1)), /^code: /);
  }
});
codes('are refused when cut, wherever', () => {
  const text = makeCode();
  for (let length = 0; length < text.length; length += 11)
    assert.throws(() => openCode(crypto, text.slice(0, length)), /^code: expected/);
  assert.throws(() => openCode(crypto, CARD), /^code: expected a text that begins with mbcode, got a card/);
});
codes('are refused when none of the keys that they name signed them', () => {
  assert.throws(() => openCode(crypto, makeCode({}, MADE_SEED)), DAMAGED('code'));
  // under the id of a key that signed nothing
  const sign = (bytes: Uint8Array): Uint8Array => crypto.ed25519Sign(MADE_SEED, bytes);
  const code = openCode(crypto, makeCode());
  assert.throws(() => openCode(crypto, sealCode(code, [{ key: keyIdOf(OPERATOR), sign }])), DAMAGED('code'));
});
codes('are refused when signed as something else', () => {
  const sign = (bytes: Uint8Array): Uint8Array => crypto.ed25519Sign(OPERATOR_SEED, bytes);
  const payload = sealEnvelope('want', JSON.stringify(openCode(crypto, makeCode())), [
    { key: keyIdOf(OPERATOR), sign },
  ]);
  assert.throws(() => openCode(crypto, `mbcode${encodeBase32(payload)}`), DAMAGED('code'));
});
const KEY = { name: 'anna', public: OPERATOR, scope: 'operate' };
const BAD: [what: string, more: { [F in keyof Code]?: unknown }, expected: string][] = [
  ['a later version', { v: 2 }, 'code: expected version 1, got 2'],
  ['no node', { node: undefined }, 'code: its node does not do'],
  ['a site with a level', { site: 'a/b' }, 'code: its site does not do'],
  ['a site that is a wildcard', { site: '+' }, 'code: its site does not do'],
  ['a user in the address', { url: 'mqtt://user:secret@host' }, 'code: its url does not do'],
  ['another scheme', { url: 'unix:///etc/shadow' }, 'code: its url does not do'],
  ['a line break in the address', { url: "mqtt://host\n\toption manage '1" }, 'code: its url does not do'],
  ['a short salt', { salt: 'aaaa' }, 'code: its salt does not do'],
  ['a salt and a password', { password: 'x' }, 'code: expected a salt or a password'],
  ['neither', { salt: undefined }, 'code: expected a salt or a password'],
  ['a password with a line break', { salt: undefined, password: 'a\nb' }, 'code: its password does not do'],
  ['a pin of another hash', { pins: ['x'] }, 'code: its pins does not do'],
  ['many pins', { pins: new Array(5).fill(`${'A'.repeat(43)}=`) }, 'code: its pins does not do'],
  ['no keys', { keys: [] }, 'code: its keys does not do'],
  ['many keys', { keys: new Array(5).fill(KEY) }, 'code: its keys does not do'],
  ['a key with a name of another section', { keys: [{ ...KEY, name: '../x' }] }, 'code: its keys does not do'],
  ['a key that is none', { keys: [null] }, 'code: its keys does not do'],
  ['a cap that is no word', { cap: 'a b' }, 'code: its cap does not do'],
  ['no end', { exp: undefined }, 'code: its exp does not do'],
];
for (const [what, more, expected] of BAD)
  codes(`are refused with ${what}`, () =>
    assert.throws(
      () => openCode(crypto, makeCode(more as Parameters<typeof makeCode>[0])),
      (error: Error) => error.message === expected,
    ),
  );
codes.run();
