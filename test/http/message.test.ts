import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  encodeRequest,
  encodeResponse,
  HttpError,
  type HttpRequest,
  type HttpResponse,
  RequestReader,
  ResponseReader,
} from '../../src/http/message.ts';
import { joinBytes } from '../../src/lib/bytes.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/lib/utf8.ts';

const LIMITS = { headBytes: 512, bodyBytes: 100 };
const PUT =
  'PUT /v1/lease?x=1&y HTTP/1.1\r\nHost: [200::1]:8080\r\nContent-Length: 4\r\nX-Two: a\r\nx-two:  b \r\n\r\n{}{}';
const GET = 'GET / HTTP/1.1\r\nhost:\r\n\r\n';

/** What a reader makes of these pieces, until it throws. */
function requests(pieces: readonly Uint8Array[], limits = LIMITS): (HttpRequest | HttpError)[] {
  const reader = new RequestReader(limits);
  const found: (HttpRequest | HttpError)[] = [];
  try {
    for (const piece of pieces) {
      reader.push(piece);
      for (let next = reader.next(); next; next = reader.next()) found.push(next);
    }
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    found.push(error);
  }
  return found;
}

function plain(found: HttpRequest | HttpResponse | HttpError): unknown {
  if (found instanceof HttpError) return `${found.status} ${found.message}`;
  return { ...found, fields: [...found.fields], body: decodeUtf8(found.body) };
}

function bytesOf(text: string): Uint8Array {
  // as they are, so that there can be any
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

/** One piece, single bytes, and every way to cut in two. */
function cuts(bytes: Uint8Array): Uint8Array[][] {
  const single = Array.from(bytes, (byte) => Uint8Array.of(byte));
  const halves = single.map((_, at) => [bytes.subarray(0, at), bytes.subarray(at)]);
  return [[bytes], single, ...halves];
}

const read = suite('RequestReader');
read('reads requests, however they are cut', () => {
  const expected = [
    {
      method: 'PUT',
      path: '/v1/lease',
      query: 'x=1&y',
      fields: [
        ['host', '[200::1]:8080'],
        ['content-length', '4'],
        ['x-two', 'a, b'],
      ],
      body: '{}{}',
      keepAlive: true,
    },
    { method: 'GET', path: '/', query: '', fields: [['host', '']], body: '', keepAlive: true },
  ];
  for (const pieces of cuts(bytesOf(PUT + GET))) assert.equal(requests(pieces).map(plain), expected);
});
read('knows whether another one may follow', () => {
  const keeps = (text: string): boolean => (requests([bytesOf(text)])[0] as HttpRequest).keepAlive;
  assert.ok(keeps('GET / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, upgrade\r\n\r\n'));
  assert.not.ok(keeps('GET / HTTP/1.1\r\nHost: x\r\nConnection: x ,\tClose\r\n\r\n'));
  assert.not.ok(keeps('GET / HTTP/1.0\r\n\r\n'));
});
read('tells how much waits', () => {
  const reader = new RequestReader(LIMITS);
  assert.not.ok(reader.inRequest);
  reader.push(bytesOf('GET'));
  assert.ok(reader.inRequest);
  assert.is(reader.waitingBytes, 3);
  reader.push(bytesOf(` / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n1234`));
  assert.is(reader.next(), undefined);
  assert.is(reader.waitingBytes, 4, '~> the head is taken');
  assert.ok(reader.inRequest);
  reader.push(bytesOf('5'));
  assert.is(decodeUtf8(reader.next()!.body), '12345');
  assert.not.ok(reader.inRequest);
});

const request = (more: string, body = ''): string => `PUT /x HTTP/1.1\r\nHost: x\r\n${more}\r\n${body}`;
const BAD: [string, string, number][] = [
  // where a message ends
  ['two lengths', request('Content-Length: 2\r\nContent-Length: 2\r\n', '{}'), 400],
  ['two lengths in one', request('Content-Length: 2, 2\r\n', '{}'), 400],
  ['a length and chunks', request('Content-Length: 2\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'), 501],
  ['chunks', request('Transfer-Encoding: chunked\r\n', '0\r\n\r\n'), 501],
  ['chunks in disguise', request('Transfer-Encoding: \tchunked\r\n', '0\r\n\r\n'), 501],
  ['two encodings', request('Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n'), 400],
  ['a length with a sign', request('Content-Length: +2\r\n', '{}'), 400],
  ['a negative length', request('Content-Length: -2\r\n'), 400],
  ['a length in hexadecimal', request('Content-Length: 0x2\r\n', '{}'), 400],
  ['a length with a point', request('Content-Length: 2.0\r\n', '{}'), 400],
  ['no length in a length', request('Content-Length: \r\n', '{}'), 400],
  ['a length that is too large', request('Content-Length: 101\r\n'), 413],
  ['a length beyond counting', request(`Content-Length: ${'9'.repeat(30)}\r\n`), 413],
  ['a blank before a colon', request('Content-Length : 2\r\n', '{}'), 400],
  ['a folded line', request('X: a\r\n b\r\n'), 400],
  ['a field that begins with a blank', request(' X: a\r\n'), 400],
  ['lines that end in LF', 'GET / HTTP/1.1\nHost: x\n\n', 400],
  ['one line that ends in LF', 'GET / HTTP/1.1\r\nHost: x\nY: z\r\n\r\n', 400],
  ['a CR inside a line', request('X: a\rContent-Length: 2\r\n', '{}'), 400],
  ['an empty line first', `\r\n${GET}`, 400],
  // fields
  ['a field without a name', request(': x\r\n'), 400],
  ['a field without a colon', request('X\r\n'), 400],
  ['a name with a blank', request('X Y: z\r\n'), 400],
  ['a zero byte in a value', request('X: a\0b\r\n'), 400],
  ['a byte beyond ASCII', request('X: \xe9\r\n'), 400],
  ['no host', 'GET / HTTP/1.1\r\n\r\n', 400],
  ['two hosts', request('Host: y\r\n'), 400],
  ['an expectation', request('Expect: 100-continue\r\n'), 417],
  ['too many fields', request('X: y\r\n'.repeat(64)), 431],
  ['a head that is too long', request(`X: ${'y'.repeat(512)}\r\n`), 431],
  ['a head without end', 'G'.repeat(513), 431],
  // the first line
  ['a method in lower case', 'get / HTTP/1.1\r\nHost: x\r\n\r\n', 400],
  ['two blanks', 'GET  / HTTP/1.1\r\nHost: x\r\n\r\n', 400],
  ['a tab for a blank', 'GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n', 400],
  ['more behind the version', 'GET / HTTP/1.1 x\r\nHost: x\r\n\r\n', 400],
  ['no version', 'GET /\r\nHost: x\r\n\r\n', 400],
  ['a whole URI', 'GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n', 400],
  ['an asterisk', 'OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n', 400],
  ['a target beyond ASCII', 'GET /\xe9 HTTP/1.1\r\nHost: x\r\n\r\n', 400],
  ['another version', 'GET / HTTP/2.0\r\nHost: x\r\n\r\n', 505],
  ['a version with blanks', 'GET / HTTP/1. 1\r\nHost: x\r\n\r\n', 400],
  ['another protocol', 'SSH-2.0-OpenSSH_9.6\r\n\r\n', 400],
  ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', 400],
];
for (const [what, text, status] of BAD)
  read(`refuses ${what} with ${status}, however it is cut`, () => {
    for (const pieces of cuts(bytesOf(text))) {
      const found = requests(pieces);
      assert.is(found.length, 1, `~> ${found.map((one) => JSON.stringify(plain(one)))}`);
      assert.is((found[0] as HttpError).status, status, `~> ${(found[0] as HttpError).message}`);
    }
  });
read('refuses a target that is too long with 414', () => {
  const text = `GET /${'x'.repeat(1024)} HTTP/1.1\r\nHost: x\r\n\r\n`;
  assert.is((requests([bytesOf(text)], { headBytes: 4096, bodyBytes: 0 })[0] as HttpError).status, 414);
});
read('takes a head and a body that just fit', () => {
  const head = request(`Content-Length: 100\r\nX: `);
  const text = `${head.slice(0, -2)}${'y'.repeat(LIMITS.headBytes - head.length - 2)}\r\n\r\n`;
  const [found] = requests([bytesOf(text + 'z'.repeat(100))]);
  assert.is((found as HttpRequest).body?.length, 100, String((found as HttpError).message));
});
read.run();

// ---

const OK = 'HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 2\r\n\r\n{}';
const CHUNKED =
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\n{"a\r\n0004\r\n":1}\r\n0\r\nX: y\r\n\r\n';

function response(pieces: readonly Uint8Array[], ends = true): unknown {
  const reader = new ResponseReader(LIMITS);
  try {
    for (const piece of pieces) {
      reader.push(piece);
      const found = reader.next();
      if (found) return plain(found);
    }
    const last = ends ? reader.next(true) : undefined;
    return last && plain(last);
  } catch (error) {
    return plain(error as HttpError);
  }
}

const answer = suite('ResponseReader');
for (const [what, text, status, body] of [
  ['a body of a length', OK, 200, '{}'],
  ['a body in chunks', CHUNKED, 200, '{"a":1}'],
  ['a body that ends with the connection', 'HTTP/1.0 404 Not Found\r\n\r\nnot here', 404, 'not here'],
  ['no body', 'HTTP/1.1 204 No Content\r\n\r\n', 204, ''],
  ['an answer without words', 'HTTP/1.1 503\r\nContent-Length: 0\r\n\r\n', 503, ''],
  ['what comes behind an early answer', `HTTP/1.1 100 Continue\r\n\r\n${OK}`, 200, '{}'],
] as const)
  answer(`reads ${what}, however it is cut`, () => {
    for (const pieces of cuts(bytesOf(text))) {
      const found = response(pieces) as { status: number; body: string };
      assert.equal([found.status, found.body], [status, body], JSON.stringify(found));
    }
  });
for (const [what, text, why] of [
  ['an end in the head', 'HTTP/1.1 200 OK\r\nContent-', 'the connection ended before the answer did'],
  ['an end in the body', OK.slice(0, -1), 'the connection ended before the answer did'],
  ['an end in the chunks', CHUNKED.slice(0, -2), 'the connection ended before the answer did'],
  ['a length that is too large', OK.replace('2\r\n\r\n', '101\r\n\r\n'), 'body: expected at most 100 bytes, got 101'],
  ['a body without end', `HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(101)}`, 'body: expected at most 100 bytes, got more'],
  ['too many chunks', CHUNKED.replace('0004', '62'), 'body: expected at most 100 bytes, got more'],
  ['a chunk without a length', CHUNKED.replace('0004', 'four'), 'chunk: expected its length'],
  ['a chunk that goes on', CHUNKED.replace(':1}\r\n', ':1}12'), 'chunk: expected CR LF at its end'],
  [
    'a length and chunks',
    CHUNKED.replace('\r\n\r\n', '\r\nContent-Length: 3\r\n\r\n'),
    'expected a length or chunks, got both',
  ],
  ['another encoding', CHUNKED.replace('chunked', 'gzip, chunked'), 'transfer-encoding: expected chunked'],
  ['early answers without end', 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(5), 'status: expected 200 or more, got 102'],
  ['another protocol', 'HTTP/1.1 101 Switching\r\n\r\n', 'status: expected 200 or more, got 101'],
  ['no status', 'HTTP/1.1 OK\r\n\r\n', 'malformed first line'],
  ['no HTTP', 'SSH-2.0-x\r\n\r\n', 'malformed first line'],
  ['a head without end', 'H'.repeat(513), 'head: expected at most 512 bytes'],
  [
    'fields behind the last chunk without end',
    CHUNKED.replace('X: y', 'X: y\r\n'.repeat(100)),
    'fields behind the last chunk: too many',
  ],
] as const)
  answer(`refuses ${what}`, () => {
    assert.match(String(response([bytesOf(text)])), new RegExp(`^\\d{3} http: ${why}$`));
    assert.match(String(response(Array.from(bytesOf(text), (byte) => Uint8Array.of(byte)))), why);
  });
answer('waits for what is not there yet', () => assert.is(response([bytesOf(OK.slice(0, -1))], false), undefined));
answer.run();

// ---

const write = suite('encodeRequest and encodeResponse');
write('write what the readers read', () => {
  const put = encodeRequest('PUT', '/x?y', { Host: 'x', Connection: 'close' }, encodeUtf8('{}'));
  assert.is(decodeUtf8(put), 'PUT /x?y HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}');
  assert.is((requests([put])[0] as HttpRequest).keepAlive, false);
  assert.is(decodeUtf8(encodeRequest('GET', '/', { Host: 'x' })), 'GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  const gone = encodeResponse(404, { 'Retry-After': '5' }, encodeUtf8('no'));
  assert.is(decodeUtf8(gone), 'HTTP/1.1 404 Not Found\r\nRetry-After: 5\r\nContent-Length: 2\r\n\r\nno');
  assert.is(decodeUtf8(encodeResponse(204, {})), 'HTTP/1.1 204 No Content\r\n\r\n');
  assert.is(decodeUtf8(encodeResponse(299, {})), 'HTTP/1.1 299 Other\r\nContent-Length: 0\r\n\r\n');
  assert.is((response([joinBytes([gone, gone])]) as HttpResponse).status, 404);
});
write('put no line ends into a head', () => {
  for (const bad of ['a\r\nX: y', 'a\nb', 'é', 'a\0'])
    assert.throws(() => encodeResponse(200, { Name: bad }), /^http: expected a head of printable ASCII$/);
});
write.run();
