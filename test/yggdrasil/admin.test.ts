import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError, RemoteError, WireError } from '../../src/errors.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/lib/utf8.ts';
import {
  type AdminRequest,
  decodeAnswer,
  encodeRequest,
  isAlreadyConfigured,
  isNotConfigured,
  isRemoteTimeout,
  parseKey,
} from '../../src/yggdrasil/admin.ts';
import panic from '../fixtures/yggdrasil/0.4.7-a-arguments-null-addPeer.json';
import oldUnknown from '../fixtures/yggdrasil/0.4.7-a-err-unknown.json';
import oldSelf from '../fixtures/yggdrasil/0.4.7-a-getSelf.json';
import remoteTimeout from '../fixtures/yggdrasil/0.5.12-a-debug_remoteGetSelf-unreachable.json';
import infoTimeout from '../fixtures/yggdrasil/0.5.12-a-getNodeInfo-unreachable.json';
import self from '../fixtures/yggdrasil/0.5.12-a-getSelf-after-traffic.json';
import duplicate from '../fixtures/yggdrasil/0.5.12-addPeer-duplicate.json';
import added from '../fixtures/yggdrasil/0.5.12-addPeer-ok.json';
import garbage from '../fixtures/yggdrasil/0.5.12-err-garbage.json';
import absent from '../fixtures/yggdrasil/0.5.12-removePeer-again.json';

const KEY = '4512203662748b353e55c974da1247501b28711f0135fb3dab9ef82894adee11';

/** What decoding throws, or the response. */
function decode(text: string, name: AdminRequest['name']): unknown {
  try {
    return decodeAnswer(encodeUtf8(text), name);
  } catch (error) {
    return error;
  }
}

const encode = suite('encodeRequest');
const REQUESTS: [AdminRequest, string][] = [
  [{ name: 'list' }, '{"request":"list","arguments":{},"keepalive":true}\n'],
  [{ name: 'getpeers' }, '{"request":"getpeers","arguments":{},"keepalive":true}\n'],
  [{ name: 'addpeer', uri: 'tcp://a:1' }, '{"request":"addpeer","arguments":{"uri":"tcp://a:1"},"keepalive":true}\n'],
  [
    { name: 'removepeer', uri: 'tcp://a:1', device: 'eth0.2' },
    '{"request":"removepeer","arguments":{"uri":"tcp://a:1","interface":"eth0.2"},"keepalive":true}\n',
  ],
  [
    { name: 'getnodeinfo', key: KEY.toUpperCase() },
    `{"request":"getnodeinfo","arguments":{"key":"${KEY}"},"keepalive":true}\n`,
  ],
];
for (const [request, text] of REQUESTS)
  encode(`writes ${text.trim().slice(0, 60)}`, () => assert.is(decodeUtf8(encodeRequest(request)), text));
encode('always writes arguments as an object', () => {
  for (const [request] of REQUESTS) {
    const { arguments: args } = JSON.parse(decodeUtf8(encodeRequest(request)));
    assert.type(args, 'object');
    assert.ok(args !== null && !Array.isArray(args));
  }
});
const REFUSED: [AdminRequest, string][] = [
  [{ name: 'addpeer', uri: '' }, 'uri'],
  [{ name: 'addpeer', uri: 'tcp://a:1', device: '' }, 'device'],
  [{ name: 'addpeer', uri: 'tcp://a:1', device: 'a b' }, 'device'],
  [{ name: 'removepeer', uri: 'tcp://a:1', device: '../x' }, 'device'],
  [{ name: 'removepeer', uri: 'tcp://a:1', device: 'averylongdevice0' }, 'device'],
  [{ name: 'getnodeinfo', key: '' }, 'key'],
  [{ name: 'debug_remotegetself', key: KEY.slice(2) }, 'key'],
  [{ name: 'debug_remotegetpeers', key: `${KEY}\n` }, 'key'],
];
for (const [request, field] of REFUSED) {
  encode(`refuses ${JSON.stringify(request).slice(0, 60)}`, () => {
    assert.throws(
      () => encodeRequest(request),
      (error: unknown) =>
        error instanceof InputError && error.field === field && error.message.startsWith(`${field}: `),
    );
  });
}
encode.run();

// ---

const key = suite('parseKey');
key('takes 64 hex digits and makes them lower case', () => assert.is(parseKey(KEY.toUpperCase()), KEY));
key('refuses everything else, showing little of it', () => {
  for (const text of ['', KEY.slice(1), `${KEY}0`, KEY.replace('4', 'g'), 'x'.repeat(5000)])
    assert.throws(
      () => parseKey(text),
      (error: unknown) => error instanceof InputError && error.message.length < 160,
    );
});
key.run();

// ---

const answer = suite('decodeAnswer');
answer('answers the response of 0.5.12', () => {
  assert.is(decodeAnswer(encodeUtf8(self.response), 'getself').build_version, '0.5.12');
  assert.equal(decode(added.response, 'addpeer'), {});
});
answer('answers the response of 0.4.7, whose request is null', () =>
  assert.is(decodeAnswer(encodeUtf8(oldSelf.response), 'getself').build_version, 'unknown'),
);

const REFUSALS: [string, string, AdminRequest['name'], string][] = [
  ['of 0.5.12', duplicate.response, 'addpeer', 'peer is already configured'],
  ['of 0.4.7', oldUnknown.response, 'gettree', "Unknown action 'nope', try 'list' for help"],
  ['of 0.4.7 after a panic', panic.response, 'addpeer', 'Check your syntax and input types'],
  ['of 0.4.4', '{"status":"error","request":{},"response":{"error":"nope"}}', 'getself', 'nope'],
];
for (const [what, text, name, words] of REFUSALS) {
  answer(`throws the words ${what}`, () => {
    const error = decode(text, name);
    assert.instance(error, RemoteError);
    assert.is((error as RemoteError).message, words);
    assert.is((error as RemoteError).status, words);
  });
}
answer('bounds the words of an error', () => {
  const error = decode(JSON.stringify({ status: 'error', error: 'x'.repeat(100_000) }), 'getself') as Error;
  assert.is(error.message.length, 512);
});

const BROKEN: [string, string, RegExp][] = [
  ['is no JSON', '{hello}', /not JSON/],
  ['is a list', '[]', /expected an object/],
  ['is empty', '{}', /got undefined/],
  ['has no response', '{"status":"success"}', /with a response/],
  ['has a response of null', '{"status":"success","response":null}', /with a response/],
  ['has a response that is a list', '{"status":"success","response":[]}', /with a response/],
  ['has a status of another type', '{"status":1,"response":{}}', /got number/],
  ['has an error of another type', '{"status":"error","error":{},"response":{}}', /got "error"/],
  [
    'answers another request',
    '{"status":"success","request":{"request":"getTun"},"response":{}}',
    /to "gettun"|to "getTun"/,
  ],
  ['answers a request that it could not read', garbage.response, /got one to ""/],
  [
    'echoes a request of another type',
    '{"status":"success","request":{"request":5},"response":{}}',
    /got one to number/,
  ],
];
for (const [what, text, message] of BROKEN) {
  answer(`refuses an answer that ${what}`, () => {
    const error = decode(text, 'getself');
    assert.instance(error, WireError);
    assert.match((error as Error).message, message);
  });
}
answer.run();

// ---

const refusals = suite('refusals');
refusals('are told apart by captured texts, whatever their case', () => {
  assert.ok(isAlreadyConfigured(decode(duplicate.response, 'addpeer')));
  assert.ok(isNotConfigured(decode(absent.response, 'removepeer')));
  assert.ok(isRemoteTimeout(decode(remoteTimeout.response, 'debug_remotegetself')));
  assert.ok(isRemoteTimeout(decode(infoTimeout.response, 'getnodeinfo')));
  assert.ok(isRemoteTimeout(decode(infoTimeout.response.replace('Timed', 'timed'), 'getnodeinfo')));
  assert.not.ok(isRemoteTimeout(decode(duplicate.response, 'addpeer')));
  assert.not.ok(isAlreadyConfigured(new Error('peer is already configured')));
});
refusals.run();
