import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { errorText } from '../../src/errors.ts';
import { decodeUtf8 } from '../../src/lib/utf8.ts';
import type { Trust } from '../../src/lib/want.ts';
import { readOrder } from '../../src/system/order.ts';
import { crypto } from '../support/crypto.ts';
import { NODE, OPERATOR, SECOND, SITE, STRANGER, seal, wantBody } from '../support/signed.ts';

const TRUST: Trust = {
  keys: [
    { public: OPERATOR.public, mayConfigure: true },
    { public: SECOND.public, mayConfigure: false },
  ],
  node: NODE,
  site: SITE,
};
const CHANGES = [{ set: 'meshbridge.main.log_level', to: 'debug' }];

const read = (payload: Uint8Array, kind: string, trust = TRUST) => readOrder(decodeUtf8(payload), kind, trust, crypto);
function refusal(payload: Uint8Array, kind: string, trust = TRUST): string {
  try {
    read(payload, kind, trust);
  } catch (error) {
    return errorText(error);
  }
  return 'taken';
}
const command = (more: object = {}): object => ({
  cid: 'a',
  op: 'config_set',
  args: { changes: CHANGES },
  aud: { node: NODE, sid: 'x' },
  ctr: 5,
  ...more,
});

const orders = suite('readOrder');
orders('reads a want, and knows it again by its bytes', () => {
  const { id, ...rest } = read(seal('want', wantBody(7, { confirm_s: 60 })), 'want');
  assert.equal(rest, { origin: { audience: 'node', gen: 7 }, confirmS: 60, changes: CHANGES });
  assert.match(id, /^[0-9a-f]{16}$/);
  assert.is(read(seal('want', wantBody(7, { confirm_s: 60 })), 'want').id, id);
  assert.is.not(read(seal('want', wantBody(8)), 'want').id, id);
  assert.equal(read(seal('want', wantBody(7, { aud: { site: SITE } })), 'want').origin, { audience: 'site', gen: 7 });
});
orders('reads a command by the key that may configure', () => {
  const { id: _, ...rest } = read(seal('cmd', command({ args: { changes: CHANGES, confirm_s: 30 } })), 'cmd');
  assert.equal(rest, { origin: { key: OPERATOR.key, ctr: 5 }, confirmS: 30, changes: CHANGES });
  assert.equal(read(seal('cmd', command(), [SECOND, OPERATOR]), 'cmd').origin, { key: OPERATOR.key, ctr: 5 });
});
const REFUSED: [what: string, payload: Uint8Array, kind: string, words: string][] = [
  ['another kind', seal('want', wantBody(7)), 'res', 'kind: expected want or cmd'],
  ['a want as a command', seal('want', wantBody(7)), 'cmd', 'expected a signature by a key that is known here'],
  ['a command as a want', seal('cmd', command()), 'want', 'body: expected gen'],
  ["a stranger's want", seal('want', wantBody(7), [STRANGER]), 'want', 'expected a key that is known here'],
  [
    "a stranger's command",
    seal('cmd', command(), [STRANGER]),
    'cmd',
    'expected a signature by a key that is known here',
  ],
  ['a want of who may not', seal('want', wantBody(7), [SECOND]), 'want', 'lets none of these keys configure it'],
  ['a command of who may not', seal('cmd', command(), [SECOND]), 'cmd', 'lets none of these keys configure it'],
  ['another operation', seal('cmd', command({ op: 'reload' })), 'cmd', 'expected the operation config_set'],
  [
    'a command for another node',
    seal('cmd', command({ aud: { node: 'x' } })),
    'cmd',
    'expected a command for this node',
  ],
  ['a command for a site', seal('cmd', command({ aud: { site: SITE } })), 'cmd', 'expected a command for this node'],
  ['a command for nobody', seal('cmd', command({ aud: null })), 'cmd', 'expected a command for this node'],
  ['no counter', seal('cmd', command({ ctr: undefined })), 'cmd', 'ctr: expected a whole number'],
  ['a broken counter', seal('cmd', command({ ctr: 1.5 })), 'cmd', 'ctr: expected a whole number'],
  ['no arguments', seal('cmd', command({ args: undefined })), 'cmd', 'changes: expected a list'],
  ['bad arguments', seal('cmd', command({ args: { changes: [7] } })), 'cmd', 'changes[0]: expected a table'],
  [
    'too short a trial',
    seal('cmd', command({ args: { changes: CHANGES, confirm_s: 1 } })),
    'cmd',
    'confirm_s: expected',
  ],
  ['nothing', new Uint8Array(), 'cmd', 'cmd: expected signatures'],
];
for (const [what, payload, kind, words] of REFUSED)
  orders(`refuses ${what}`, () => assert.match(refusal(payload, kind), words));
orders('trusts nobody where nobody is trusted', () => {
  const none = { ...TRUST, keys: [] };
  assert.match(refusal(seal('want', wantBody(7)), 'want', none), 'expected a key that is known here');
  assert.match(refusal(seal('cmd', command()), 'cmd', none), 'expected a signature by a key that is known here');
  const keyless = { ...TRUST, node: undefined };
  for (const aud of [{}, { node: '' }, { node: null }])
    assert.match(refusal(seal('cmd', command({ aud })), 'cmd', keyless), 'expected a command for this node');
});
orders.run();
