/// <reference path="../../luci-app/text.d.ts" />
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { describeFailure } from '../../luci-app/view/part/failure.ts';
import { Refusal } from '../../luci-app/view/part/refusal.ts';
import { format } from '../../src/page-host/client/format.ts';

// what LuCI's client gives to every page
Object.assign(globalThis, { _: (text: string) => text });
Object.defineProperty(String.prototype, 'format', { value: format });

const failure = suite('describeFailure');
const FAILURES: [what: string, error: unknown, text: RegExp, fix: RegExp][] = [
  [
    'a daemon that is not there',
    new Error('RPC call to x failed with error -32000: Object not found'),
    /not running/,
    /Start/,
  ],
  [
    'a call that is denied',
    new Error('RPC call to x failed with error -32002: Access denied'),
    /not allowed/,
    /Log in/,
  ],
  [
    'a call without an answer',
    new Error('RPC call to x failed with ubus code 7: Timeout'),
    /does not answer/,
    /asked again/,
  ],
  [
    'a daemon that is older',
    new Error('RPC call to x failed with ubus code 3: Method not found'),
    /does not know/,
    /older/,
  ],
  ['an answer that lacks something', new TypeError('undefined is not iterable'), /does not understand/, /restart/],
  [
    'a router that is away',
    new Error('HTTP error 0 while sending request'),
    /^The router does not answer: HTTP/,
    /connected/,
  ],
  ['a stack trace', new Error('broken\n  at luci.js:1'), /^The router does not answer: broken$/, /connected/],
  [
    'a Yggdrasil that is away',
    new Refusal('yggdrasil.ygg0: not connected: connect /tmp/ygg0.sock: Connection refused', undefined, 10),
    /^Yggdrasil, the program that makes the mesh, does not answer\.$/,
    /Mesh → Overview/,
  ],
  [
    'an interface that is away',
    new Refusal('interface: no Yggdrasil interface was found on this router', 'interface', 4),
    /^The Yggdrasil interface is not there\.$/,
    /Mesh → Overview/,
  ],
  ['any other refusal', new Refusal('x'.repeat(300), 'uri', 2), /^The mesh daemon refused: x{200}$/, /log/],
];
for (const [what, error, text, hint] of FAILURES)
  failure(`tells of ${what}`, () => {
    const { what: told, fix } = describeFailure(error);
    assert.match(told, text);
    assert.match(fix, hint);
  });
failure.run();
