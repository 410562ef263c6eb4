// Fuzz targets of the HTTP readers: any bytes are messages or end in an HttpError, whatever chunks they come in.

import { HttpError, RequestReader, ResponseReader } from '../../src/http/message.ts';
import { joinBytes, toHex } from '../../src/lib/bytes.ts';
import { encodeUtf8 } from '../../src/lib/utf8.ts';

const LIMITS = { headBytes: 256, bodyBytes: 64 };

const MESSAGES = [
  'GET /v1/info HTTP/1.1\r\nHost: [200::1]:8080\r\n\r\n',
  'PUT /v1/lease?generation=1&wait_s=2 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}',
  'POST /register HTTP/1.0\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\nX: y\r\nx: z\r\n\r\n',
  'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}',
  'HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n1;a=b\r\n{\r\n1\r\n}\r\n0\r\nX: y\r\n\r\n',
  'HTTP/1.0 503\r\n\r\nbusy',
];

/** Requests and answers, each alone and all in a row. */
export function httpCorpus(): Uint8Array[] {
  const messages = MESSAGES.map(encodeUtf8);
  return [...messages, joinBytes(messages)];
}

/** What is found in one chunk, and in chunks whose sizes the bytes give, must be the same. */
function compare(bytes: Uint8Array, make: () => { push(bytes: Uint8Array): void; next(): object | undefined }): void {
  const found = (sizes: (at: number) => number): string => {
    const texts: string[] = [];
    const reader = make();
    try {
      for (let at = 0; at < bytes.length; ) {
        const end = at + sizes(at);
        reader.push(bytes.subarray(at, end));
        for (let next = reader.next(); next; next = reader.next()) {
          const { fields, body, ...rest } = next as { fields: Map<string, string>; body: Uint8Array };
          if (body.length > LIMITS.bodyBytes) throw new Error(`too long: ${toHex(bytes)}`);
          texts.push(JSON.stringify({ ...rest, fields: [...fields], body: toHex(body) }));
          if ('status' in rest) return texts.join(); // the reader of answers reads one
        }
        at = end;
      }
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      texts.push(error.message);
    }
    return texts.join();
  };
  const [whole, cut] = [found(() => bytes.length), found((at) => 1 + (bytes[at]! & 15))];
  if (whole !== cut) throw new Error(`messages depend on chunks: ${whole} and ${cut}`);
}

/** What `npm run fuzz` runs; each throws on a defect. */
export const targets: { name: string; run(bytes: Uint8Array): void }[] = [
  { name: 'http requests', run: (bytes) => compare(bytes, () => new RequestReader(LIMITS)) },
  { name: 'http answers', run: (bytes) => compare(bytes, () => new ResponseReader(LIMITS)) },
];
