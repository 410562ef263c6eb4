import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Answerer, answerUbus } from '../../src/page-host/ubus.ts';

const SESSION = '0'.repeat(32);
const answer: Answerer = ({ object, method, args }) => {
  if (object !== 'meshbridge') return 'absent';
  if (method === 'reload') return 'denied';
  if (method === 'lint') throw new Error('made to fail');
  return args.empty ? { status: 0 } : { status: 0, reply: { args } };
};
function call(id: number, object: string, method: string, args: unknown = {}): object {
  return { jsonrpc: '2.0', id, method: 'call', params: [SESSION, object, method, args] };
}

const ubus = suite('answerUbus');
const ANSWERS: [string, unknown, unknown][] = [
  ['a call', call(1, 'meshbridge', 'status', { a: 1 }), { id: 1, result: [0, { args: { a: 1 } }] }],
  ['a call without a reply', call(2, 'meshbridge', 'status', { empty: true }), { id: 2, result: [0] }],
  ['an unknown object', call(3, 'mesh', 'status'), { id: 3, error: { code: -32000, message: 'Object not found' } }],
  ['a forbidden call', call(4, 'meshbridge', 'reload'), { id: 4, error: { code: -32002, message: 'Access denied' } }],
  ['a failure of ours', call(5, 'meshbridge', 'lint'), { id: 5, error: { code: -32603, message: 'Internal error' } }],
  ['the probe', { jsonrpc: '2.0', id: 'init', method: 'list' }, { id: 'init', result: {} }],
  [
    'another method',
    { jsonrpc: '2.0', id: 6, method: 'x' },
    { id: 6, error: { code: -32601, message: 'Method not found' } },
  ],
  ['another protocol', { id: 7, method: 'call' }, { id: null, error: { code: -32600, message: 'Invalid request' } }],
  ['no table', 7, { id: null, error: { code: -32600, message: 'Invalid request' } }],
  [
    'no parameters',
    { jsonrpc: '2.0', id: 8, method: 'call' },
    { id: 8, error: { code: -32602, message: 'Invalid parameters' } },
  ],
  [
    'a list as arguments',
    call(9, 'meshbridge', 'status', []),
    { id: 9, error: { code: -32602, message: 'Invalid parameters' } },
  ],
  [
    'a session among the arguments',
    call(10, 'meshbridge', 'status', { ubus_rpc_session: SESSION }),
    { id: 10, error: { code: -32602, message: 'Invalid parameters' } },
  ],
];
for (const [what, message, expected] of ANSWERS)
  ubus(`answers ${what} as uhttpd does`, async () => {
    const said: string[] = [];
    const reply = await answerUbus(JSON.stringify(message), answer, (line) => said.push(line));
    assert.equal(reply, { jsonrpc: '2.0', ...(expected as object) });
    assert.equal(said, what === 'a failure of ours' ? ['meshbridge.lint: made to fail'] : []);
  });
ubus('answers a list in its order', async () => {
  const messages = ANSWERS.map(([, message]) => message);
  const replies = await answerUbus(JSON.stringify(messages), answer, () => {});
  assert.equal(
    replies,
    ANSWERS.map(([, , expected]) => ({ jsonrpc: '2.0', ...(expected as object) })),
  );
});
ubus('refuses what is no JSON', async () => {
  const error = { code: -32700, message: 'Parse error' };
  assert.equal(await answerUbus('{', answer, () => {}), { jsonrpc: '2.0', id: null, error });
});
ubus.run();
