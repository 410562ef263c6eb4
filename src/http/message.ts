// HTTP/1.1 messages, the subset that leases need: read piece by piece and strictly, for two readers that disagree about where a message
// ends can be played off against one another.
//
//   request = method SP target SP "HTTP/1.1" CRLF *( name ":" value CRLF ) CRLF body
//
// What is refused though others take it: bare LF, folded lines, blanks before a colon, bytes beyond ASCII in a head, a request's body in
// chunks, a length that is told twice. Source: RFC 9110, RFC 9112.

import { WireError } from '../errors.ts';
import { joinBytes } from '../lib/bytes.ts';
import { decodeUtf8, encodeUtf8 } from '../lib/utf8.ts';

/** How large a message may be. */
export interface HttpLimits {
  /** Bytes of its first line and its fields. */
  headBytes: number;
  bodyBytes: number;
}

/** Fields by name in lower case; of those that came several times, the values joined by `, `. */
export type HttpFields = ReadonlyMap<string, string>;

/** One request. */
export interface HttpRequest {
  readonly method: string;
  /** From `/` on, without the query, as it came. */
  readonly path: string;
  /** Behind `?`; empty where there is none. */
  readonly query: string;
  readonly fields: HttpFields;
  readonly body: Uint8Array;
  /** Another one may follow on the connection. */
  readonly keepAlive: boolean;
}

/** One answer. */
export interface HttpResponse {
  readonly status: number;
  readonly fields: HttpFields;
  readonly body: Uint8Array;
  readonly keepAlive: boolean;
}

/** A message that breaks the rules, or takes what we do not give; `status` is what a server says to that. */
export class HttpError extends WireError {
  override name = 'HttpError';
  constructor(
    message: string,
    readonly status: number,
  ) {
    super(`http: ${message}`);
  }
}

const REASONS: Readonly<Record<number, string>> = {
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  204: 'No Content',
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  413: 'Content Too Large',
  414: 'URI Too Long',
  417: 'Expectation Failed',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
  505: 'HTTP Version Not Supported',
};

const MAX_FIELDS = 64;
const MAX_TARGET = 1024;
/** Digits of a length, decimal or hexadecimal. */
const MAX_DIGITS = 8;
/** Line that tells the length of a chunk. */
const MAX_CHUNK_LINE = 128;
/** Informational answers (1xx) before the one that counts. */
const MAX_EARLY = 4;
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const VALUE = /^[\t -~]*$/;
const METHOD = /^[A-Z]{1,16}$/;
const TARGET = /^\/[!-~]*$/;
const CR = 13;
const LF = 10;
const EMPTY = new Uint8Array(0);

interface Head {
  readonly first: string;
  readonly fields: HttpFields;
}

/** Bytes that arrived and are not used yet. */
class Inbox {
  private bytes = EMPTY;
  private from = 0;
  private to = 0;
  /** Before this no end of a line or of a head begins. */
  private searched = 0;

  get length(): number {
    return this.to - this.from;
  }

  push(more: Uint8Array): void {
    const length = this.length + more.length;
    if (this.to + more.length > this.bytes.length) {
      const grown = new Uint8Array(Math.max(length, Math.min(2 * length, length + 4096)));
      grown.set(this.bytes.subarray(this.from, this.to));
      this.searched -= this.from;
      this.to -= this.from;
      this.from = 0;
      this.bytes = grown;
    }
    this.bytes.set(more, this.to);
    this.to += more.length;
  }

  take(count: number): Uint8Array {
    const taken = this.bytes.slice(this.from, this.from + count);
    this.from += count;
    if (this.from >= this.to) {
      this.bytes = EMPTY;
      this.from = 0;
      this.to = 0;
    }
    this.searched = this.from;
    return taken;
  }

  /** The bytes before the next end of a line, or of a head (two of them), which is taken too, `most` in all; `undefined`: it is not there yet. */
  takeUntil(ends: 1 | 2, most: number, tooLong: HttpError): string | undefined {
    for (;;) {
      const at = this.bytes.subarray(0, this.to).indexOf(LF, this.searched);
      const length = (at < 0 ? this.to : at) - this.from;
      if (length >= most) throw tooLong;
      if (at < 0) {
        this.searched = this.to;
        return undefined;
      }
      if (this.bytes[at - 1] !== CR || length < 1) throw new HttpError('expected lines to end in CR LF', 400);
      this.searched = at + 1;
      // a head without fields ends with its first line's own end
      if (ends === 2 && !(length > 2 && this.bytes[at - 2] === LF)) continue;
      // bytes beyond ASCII become characters beyond it, which nothing here takes
      return decodeUtf8(this.take(length + 1), 0, length - 1);
    }
  }
}

function parseHead(text: string): Head {
  const [first = '', ...lines] = (text.endsWith('\r\n') ? text.slice(0, -2) : text).split('\r\n');
  if (lines.length > MAX_FIELDS) throw new HttpError(`expected at most ${MAX_FIELDS} fields, got ${lines.length}`, 431);
  const fields = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colon)).toLowerCase();
    if (!NAME.test(name) || !VALUE.test(line.slice(colon + 1))) throw new HttpError('malformed field', 400);
    const value = line.slice(colon + 1).trim();
    const before = fields.get(name);
    if (before !== undefined && ['content-length', 'transfer-encoding', 'host'].includes(name))
      throw new HttpError(`expected one ${name}, got two`, 400);
    fields.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return { first, fields };
}

/** The length that a head tells; `undefined` where it tells none. */
function lengthOf(fields: HttpFields, most: number): number | undefined {
  const text = fields.get('content-length');
  if (text === undefined) return undefined;
  if (!/^\d+$/.test(text)) throw new HttpError('content-length: expected digits', 400);
  const digits = text.replace(/^0+(?=.)/, '');
  if (digits.length > MAX_DIGITS || Number(digits) > most)
    throw new HttpError(`body: expected at most ${most} bytes, got ${digits.slice(0, 20)}`, 413);
  return Number(digits);
}

function isKeptAlive(version: string, fields: HttpFields): boolean {
  const options = (fields.get('connection') ?? '').toLowerCase().split(/[\t ]*,[\t ]*/);
  return version === '1.1' && !options.includes('close');
}

/** Reads the requests of one connection. After a throw it is of no more use. */
export class RequestReader {
  private readonly inbox = new Inbox();
  private head: Head | undefined;

  constructor(private readonly limits: HttpLimits) {}

  /** Bytes that wait for the rest of their request, or for their turn. */
  get waitingBytes(): number {
    return this.inbox.length;
  }

  /** Some of a request is there, and not all of it. */
  get inRequest(): boolean {
    return this.head !== undefined || this.inbox.length > 0;
  }

  push(bytes: Uint8Array): void {
    this.inbox.push(bytes);
  }

  /** The next request that is there as a whole. @throws HttpError */
  next(): HttpRequest | undefined {
    const { headBytes, bodyBytes } = this.limits;
    if (!this.head) {
      const tooLong = new HttpError(`head: expected at most ${headBytes} bytes`, 431);
      const text = this.inbox.takeUntil(2, headBytes, tooLong);
      if (text === undefined) return undefined;
      this.head = parseHead(text);
    }
    const { first, fields } = this.head;
    const [method = '', target = '', protocol = '', more] = first.split(' ');
    if (!METHOD.test(method) || more !== undefined) throw new HttpError('malformed request line', 400);
    if (target.length > MAX_TARGET) throw new HttpError(`target: expected at most ${MAX_TARGET} characters`, 414);
    if (!TARGET.test(target)) throw new HttpError('target: expected one that begins with /', 400);
    const version = versionOf(protocol);
    if (version === '1.1' && !fields.has('host')) throw new HttpError('expected a host', 400);
    if (fields.has('transfer-encoding')) throw new HttpError('transfer-encoding: expected a content-length', 501);
    if (fields.has('expect')) throw new HttpError('expect: expected none', 417);
    const length = lengthOf(fields, bodyBytes) ?? 0;
    if (this.inbox.length < length) return undefined;
    this.head = undefined;
    const [path = '', ...query] = target.split('?');
    const keepAlive = isKeptAlive(version, fields);
    return { method, path, query: query.join('?'), fields, body: this.inbox.take(length), keepAlive };
  }
}

function versionOf(protocol: string): '1.1' | '1.0' {
  if (protocol === 'HTTP/1.1') return '1.1';
  if (protocol === 'HTTP/1.0') return '1.0';
  if (/^HTTP\/\d\.\d$/.test(protocol)) throw new HttpError('version: expected HTTP/1.1', 505);
  throw new HttpError('malformed first line', 400);
}

/** Where the body of an answer ends: after so many bytes, with its last chunk, or with the connection. */
type Extent = number | 'chunks' | 'end';

/** Reads the one answer of a connection; the status of what it throws means nothing. */
export class ResponseReader {
  private readonly inbox = new Inbox();
  private head: (Head & { version: '1.0' | '1.1'; status: number; extent: Extent }) | undefined;
  private early = 0;
  private readonly chunks: Uint8Array[] = [];
  private chunkBytes = 0;
  /** Bytes of the chunk that is being read; -1: its length is not there yet, -2: it was the last one. */
  private chunk = -1;
  /** Of the fields behind the last chunk. */
  private trailerBytes = 0;

  constructor(private readonly limits: HttpLimits) {}

  push(bytes: Uint8Array): void {
    this.inbox.push(bytes);
  }

  /** The answer, once it is there as a whole; `ended`: nothing more will come. @throws HttpError also when it ended too early. */
  next(ended = false): HttpResponse | undefined {
    const body = this.readHead() && this.readBody(ended);
    if (body) {
      const { status, fields, version } = this.head!;
      return { status, fields, body, keepAlive: isKeptAlive(version, fields) };
    }
    if (ended) throw new HttpError('the connection ended before the answer did', 400);
    return undefined;
  }

  private readHead(): boolean {
    const { headBytes, bodyBytes } = this.limits;
    while (!this.head) {
      const tooLong = new HttpError(`head: expected at most ${headBytes} bytes`, 431);
      const text = this.inbox.takeUntil(2, headBytes, tooLong);
      if (text === undefined) return false;
      const { first, fields } = parseHead(text);
      const [, protocol = '', code] = /^(HTTP\/\d\.\d) (\d{3})(?: .*)?$/.exec(first) ?? [];
      const version = versionOf(protocol);
      const status = Number(code);
      if (status >= 200) this.head = { first, fields, version, status, extent: extentOf(status, fields, bodyBytes) };
      else if (status < 100 || status === 101 || ++this.early > MAX_EARLY)
        throw new HttpError(`status: expected 200 or more, got ${code}`, 400);
    }
    return true;
  }

  private readBody(ended: boolean): Uint8Array | undefined {
    const { extent } = this.head!;
    if (extent === 'chunks') return this.readChunks();
    if (extent === 'end') {
      this.checkLength(this.inbox.length);
      return ended ? this.inbox.take(this.inbox.length) : undefined;
    }
    return this.inbox.length < extent ? undefined : this.inbox.take(extent);
  }

  private readChunks(): Uint8Array | undefined {
    const tooLong = new HttpError(`chunk: expected a line of at most ${MAX_CHUNK_LINE} bytes`, 400);
    while (this.chunk !== -2) {
      if (this.chunk < 0) {
        const line = this.inbox.takeUntil(1, MAX_CHUNK_LINE, tooLong);
        if (line === undefined) return undefined;
        const [, digits] = /^0*([0-9a-f]{1,8})(?:[\t ]*;[\t -~]*)?$/i.exec(line) ?? [];
        if (digits === undefined) throw new HttpError('chunk: expected its length', 400);
        this.chunk = Number.parseInt(digits, 16);
        this.checkLength(this.chunkBytes + this.chunk);
        if (this.chunk === 0) this.chunk = -2;
      } else {
        if (this.inbox.length < this.chunk + 2) return undefined;
        const bytes = this.inbox.take(this.chunk + 2);
        if (bytes[this.chunk] !== CR || bytes[this.chunk + 1] !== LF)
          throw new HttpError('chunk: expected CR LF at its end', 400);
        this.chunks.push(bytes.subarray(0, this.chunk));
        this.chunkBytes += this.chunk;
        this.chunk = -1;
      }
    }
    // fields may follow, which are of no use to anybody; they are part of what a head may have
    for (;;) {
      const left = this.limits.headBytes - this.trailerBytes;
      const line = this.inbox.takeUntil(1, left, new HttpError('fields behind the last chunk: too many', 431));
      if (line === undefined) return undefined;
      if (line === '') return joinBytes(this.chunks);
      this.trailerBytes += line.length + 2;
    }
  }

  private checkLength(length: number): void {
    if (length > this.limits.bodyBytes)
      throw new HttpError(`body: expected at most ${this.limits.bodyBytes} bytes, got more`, 413);
  }
}

function extentOf(status: number, fields: HttpFields, most: number): Extent {
  if (status === 204 || status === 304) return 0;
  const encoding = fields.get('transfer-encoding');
  const length = lengthOf(fields, most);
  if (encoding === undefined) return length ?? 'end';
  if (length !== undefined) throw new HttpError('expected a length or chunks, got both', 400);
  if (encoding.toLowerCase() !== 'chunked') throw new HttpError('transfer-encoding: expected chunked', 501);
  return 'chunks';
}

/** The bytes of a request; its length is added where there is a body. */
export function encodeRequest(
  method: string,
  target: string,
  fields: Readonly<Record<string, string>>,
  body?: Uint8Array,
): Uint8Array {
  return encode(`${method} ${target} HTTP/1.1`, fields, body);
}

/** The bytes of an answer; its length is added, but for 204. */
export function encodeResponse(
  status: number,
  fields: Readonly<Record<string, string>>,
  body: Uint8Array = EMPTY,
): Uint8Array {
  return encode(`HTTP/1.1 ${status} ${REASONS[status] ?? 'Other'}`, fields, status === 204 ? undefined : body);
}

function encode(first: string, fields: Readonly<Record<string, string>>, body: Uint8Array | undefined): Uint8Array {
  const all = body ? { ...fields, 'Content-Length': String(body.length) } : fields;
  const lines = [first, ...Object.entries(all).map(([name, value]) => `${name}: ${value}`)];
  if (!lines.every((line) => VALUE.test(line))) throw new RangeError('http: expected a head of printable ASCII');
  const head = encodeUtf8(`${lines.join('\r\n')}\r\n\r\n`);
  return body && body.length > 0 ? joinBytes([head, body]) : head;
}
