// The address of an MQTT broker as text: `mqtt://host`, `mqtts://host` (through TLS), `unix:///path`; no credentials, no path.

import { InputError } from '../errors.ts';
import { parseEndpoint } from './endpoint.ts';
import type { Endpoint } from './host.ts';

const PORTS = { mqtt: 1883, mqtts: 8883 } as const;

/** Where a broker is, and whether through TLS. */
export interface BrokerUrl {
  endpoint: Endpoint;
  secure: boolean;
}

/** A broker's address from its text; the port may be left out. @throws InputError that shows nothing of a text which may hold a password. */
export function parseBrokerUrl(text: string): BrokerUrl {
  if (text.includes('@') && !text.startsWith('unix://@'))
    throw new InputError(
      'expected no user in it (username and password are options), got one that is not shown',
      'url',
    );
  if (text.startsWith('unix://')) return { endpoint: parseEndpoint(text), secure: false };
  const [, scheme, place] = /^(mqtts?):\/\/([^/]+)\/?$/.exec(text) ?? [];
  if (scheme === undefined)
    throw new InputError(
      `expected mqtt://host, mqtts://host or unix:///path, got ${JSON.stringify(text.slice(0, 120))}`,
      'url',
    );
  const port = /^(\[[^\]]*\]|[^:]*):\d+$/.test(place!) ? '' : `:${PORTS[scheme as keyof typeof PORTS]}`;
  return { endpoint: parseEndpoint(`tcp://${place}${port}`), secure: scheme === 'mqtts' };
}
