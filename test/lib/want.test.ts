import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/lib/utf8.ts';
import {
  CONFIRM_S,
  openWant,
  parseConfirmS,
  parseWant,
  type Trust,
  verifyWant,
  type WantCode,
  WantRefusal,
} from '../../src/lib/want.ts';
import { crypto } from '../support/crypto.ts';
import { NODE, OPERATOR, SECOND, SITE, STRANGER, seal, wantBody } from '../support/signed.ts';

const parse = suite('parseWant');
const WANT = { gen: 7, aud: { node: 'abcdefghijklm' }, changes: [{ unset: 'meshbridge.main.probe' }] };
const text = (more: object = {}): string => JSON.stringify({ ...WANT, ...more });
parse('takes what must be there, and fills in the rest', () => {
  assert.equal(parseWant(text()), {
    gen: 7,
    audience: 'node',
    name: 'abcdefghijklm',
    confirmS: 120,
    changes: [{ unset: 'meshbridge.main.probe' }],
  });
});
parse('takes what may be there', () => {
  const want = parseWant(
    text({ aud: { site: 'hill-1' }, not_before: 0, exp: 1_800_000_000, confirm_s: 30, changes: [] }),
  );
  assert.equal(want, {
    gen: 7,
    audience: 'site',
    name: 'hill-1',
    notBefore: 0,
    exp: 1_800_000_000,
    confirmS: 30,
    changes: [],
  });
});
const REFUSED: [string, string][] = [
  ['', 'body: expected JSON'],
  ['[]', 'body: expected a table'],
  ['null', 'body: expected a table'],
  ['['.repeat(16_000), 'body: expected JSON'],
  [text({ when: 1 }), 'body: expected gen, aud, not_before, exp, confirm_s, changes, got "when"'],
  [text({ gen: undefined }), 'gen: missing'],
  [text({ gen: 0 }), 'gen: expected a whole number from 1'],
  [text({ gen: 1.5 }), 'gen: expected a whole number from 1'],
  [text({ gen: '7' }), 'gen: expected a whole number from 1'],
  [text({ gen: 2 ** 53 }), 'gen: expected a whole number from 1'],
  [text({ aud: undefined }), 'aud: expected a table'],
  [text({ aud: {} }), 'aud: expected node or site'],
  [text({ aud: { node: 'a', site: 'b' } }), 'aud: expected node or site'],
  [text({ aud: { all: 'x' } }), 'aud: expected node or site'],
  [text({ aud: { site: '' } }), 'aud.site: expected 1 to 32 of a-z, 0-9 and -'],
  [text({ aud: { site: 'a/b' } }), 'aud.site: expected 1 to 32 of a-z, 0-9 and -'],
  [text({ aud: { node: 7 } }), 'aud.node: expected 1 to 32 of a-z, 0-9 and -'],
  [text({ exp: -1 }), 'exp: expected a whole number from 0'],
  [text({ exp: null }), 'exp: expected a whole number from 0'],
  [text({ not_before: 'now' }), 'not_before: expected a whole number from 0'],
  [text({ confirm_s: 29 }), 'confirm_s: expected a whole number from 30 to 600'],
  [text({ confirm_s: 601 }), 'confirm_s: expected a whole number from 30 to 600'],
  [text({ changes: undefined }), 'changes: expected a list'],
  [text({ changes: [{}] }), 'changes[0]: expected {set, to}'],
];
for (const [body, words] of REFUSED)
  parse(`refuses ${body.slice(0, 70)}`, () => {
    assert.throws(
      () => parseWant(body),
      (error: unknown) => error instanceof InputError && error.message.startsWith(words),
    );
  });
parse.run();

const confirm = suite('parseConfirmS');
confirm('is the usual one where none is given, and has bounds', () => {
  assert.is(parseConfirmS(undefined), CONFIRM_S.usual);
  assert.is(parseConfirmS(CONFIRM_S.most), CONFIRM_S.most);
  for (const bad of [CONFIRM_S.least - 1, CONFIRM_S.most + 1, '60', null, Number.NaN])
    assert.throws(() => parseConfirmS(bad), /^confirm_s: expected/);
});
confirm.run();

// ---

const TRUST: Trust = {
  keys: [
    { public: OPERATOR.public, mayConfigure: true },
    { public: SECOND.public, mayConfigure: false },
  ],
  node: NODE,
  site: SITE,
};

/** What becomes of a message: its generation, or why it is refused. */
function judge(payload: Uint8Array, trust = TRUST): number | WantCode {
  try {
    const signed = openWant(payload, trust);
    verifyWant(signed, trust, crypto.ed25519Verify);
    return signed.want.gen;
  } catch (error) {
    if (error instanceof WantRefusal) return error.code;
    throw error;
  }
}

const gate = suite('openWant and verifyWant');
gate('believe what a key signed that may configure, alone or with others', () => {
  assert.is(judge(seal('want', wantBody(7))), 7);
  assert.is(judge(seal('want', wantBody(8, { aud: { site: SITE } }))), 8);
  assert.is(judge(seal('want', wantBody(9), [SECOND, OPERATOR])), 9);
  assert.is(judge(seal('want', wantBody(10), [STRANGER, OPERATOR])), 10, '~> what is not known is passed over');
  const payload = seal('want', wantBody(11));
  assert.is(openWant(payload, TRUST).text, decodeUtf8(payload));
});
const forged = (): Uint8Array => {
  const text = decodeUtf8(seal('want', wantBody(7)));
  return encodeUtf8(text.replace('"debug"', '"error"'));
};
const spliced = (): Uint8Array => {
  const theirs = decodeUtf8(seal('want', wantBody(7), [STRANGER]));
  return encodeUtf8(theirs.replace(STRANGER.key, OPERATOR.key));
};
const CASES: [what: string, payload: () => Uint8Array, code: WantCode, trust?: Trust][] = [
  ['nothing', () => new Uint8Array(), 'malformed'],
  ['no signature', () => encodeUtf8(JSON.stringify(wantBody(7))), 'malformed'],
  ['what is too long', () => new Uint8Array(16_385), 'oversize'],
  ['a body that is no want', () => seal('want', { gen: 7 }), 'malformed'],
  ['a stranger', () => seal('want', wantBody(7), [STRANGER]), 'unknown-key'],
  ['another node', () => seal('want', wantBody(7, { aud: { node: 'abcdefghijklm' } })), 'audience'],
  ['another site', () => seal('want', wantBody(7, { aud: { site: 'vale' } })), 'audience'],
  [
    'a site where there is none',
    () => seal('want', wantBody(7, { aud: { site: SITE } })),
    'audience',
    { ...TRUST, site: undefined },
  ],
  ['no node where there is no key', () => seal('want', wantBody(7)), 'audience', { ...TRUST, node: undefined }],
  ['one changed byte', forged, 'signature'],
  ["a stranger's signature under a known id", spliced, 'signature'],
  [
    'a signature of a command',
    () => {
      const command = decodeUtf8(seal('cmd', wantBody(7)));
      return encodeUtf8(command);
    },
    'signature',
  ],
  [
    'one bad signature beside a good one',
    () => {
      const text = decodeUtf8(seal('want', wantBody(7), [OPERATOR, STRANGER]));
      return encodeUtf8(text.replace(STRANGER.key, SECOND.key));
    },
    'signature',
  ],
  ['a key that may not configure', () => seal('want', wantBody(7), [SECOND]), 'scope'],
];
for (const [what, payload, code, trust] of CASES)
  gate(`refuse ${what}`, () => assert.is(judge(payload(), trust), code));
gate('answer only who signed', () => {
  const of = (payload: Uint8Array): WantRefusal => {
    try {
      verifyWant(openWant(payload, TRUST), TRUST, crypto.ed25519Verify);
    } catch (error) {
      return error as WantRefusal;
    }
    throw new Error('believed');
  };
  assert.is(of(seal('want', wantBody(7), [SECOND])).signed?.want.gen, 7);
  for (const payload of [forged(), spliced(), new Uint8Array()]) assert.is(of(payload).signed, undefined);
});
gate('believe none of 300 that were changed by a bit', () => {
  const payload = seal('want', wantBody(7));
  for (let i = 0; i < 300; i++) {
    const changed = payload.slice();
    changed[(i * 7919) % payload.length]! ^= 1 << (i % 8);
    assert.type(judge(changed), 'string', `~> ${i}`);
  }
});
gate.run();
