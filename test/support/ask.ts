// Asks a server on this machine without a browser's rules, and without the URL parser, which would tidy the path.

import { type IncomingHttpHeaders, type RequestOptions, request } from 'node:http';

/** What came. */
export interface Asked {
  status: number;
  text: string;
  headers: IncomingHttpHeaders;
}

/** One request. */
export function ask(
  { port }: { readonly port: number },
  path: string,
  { body, ...options }: RequestOptions & { body?: string } = {},
): Promise<Asked> {
  return new Promise((resolve, reject) => {
    request({ hostname: '127.0.0.1', port, path, ...options }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode!, text: Buffer.concat(chunks).toString(), headers: response.headers }),
      );
    })
      .on('error', reject)
      .end(body);
  });
}
