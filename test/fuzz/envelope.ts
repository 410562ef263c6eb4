// Fuzz targets of signed messages: taking them apart, and the codes that their signatures are written in.

import { InputError, WireError } from '../../src/errors.ts';
import { decodeBase32, encodeBase32 } from '../../src/lib/base32.ts';
import { decodeBase64, encodeBase64 } from '../../src/lib/base64.ts';
import { type EnvelopeKind, sealEnvelope, splitEnvelope } from '../../src/lib/envelope.ts';
import { headBody, packHomes, readHead, readPart } from '../../src/lib/home-list.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/lib/utf8.ts';
import { readSigned } from '../../src/mesh/captain-message.ts';

const KINDS: readonly EnvelopeKind[] = [
  ...['cmd', 'want', 'res', 'have', 'info', 'code', 'report', 'vouch'],
  ...['homes', 'held', 'use'],
] as EnvelopeKind[];

function signer(byte: number) {
  return { key: byte.toString(16).padStart(2, '0').repeat(8), sign: () => new Uint8Array(64).fill(byte) };
}

/** Signed messages, by one key and by four. */
export function envelopeCorpus(): Uint8Array[] {
  const command = { cid: 'a-1', op: 'ping', args: { key: 'ab'.repeat(32) }, aud: { node: 'n', sid: 's' }, ctr: 7 };
  const want = { gen: 2, aud: { site: 'x' }, changes: [{ set: 'meshbridge.main.probe', to: '1' }] };
  const signers = [1, 2, 3, 4].map(signer);
  const common = { address: '200:85a9:4320:fa5c:97fa:5870:b0ec:51c9', at_s: 1_800_000_000, gateway: 'ab'.repeat(32) };
  const words = [
    { kind: 'report', ...common, reason: 'sends spam', evidence: 'a log', contact: 'otto' },
    { kind: 'vouch', ...common, site: 'hill', days: 7 },
  ] as const;
  return [
    ...[command, want].flatMap((body) =>
      [1, 4].map((count) => sealEnvelope('want', JSON.stringify(body), signers.slice(0, count))),
    ),
    ...words.map((body) => sealEnvelope(body.kind, JSON.stringify(body), signers.slice(0, 1))),
    ...listCorpus(),
  ];
}

/** A list of homes: its head and a part. */
function listCorpus(): Uint8Array[] {
  const home = { address: '200:85a9:4320:fa5c:97fa:5870:b0ec:51c9', reason: 'not paid' } as const;
  const limits = { quota_mb: 50_000, flows: 100 };
  const homes = [
    { ...home, standing: 'suspended', until_s: 1_800_000_000, limits },
    { ...home, address: '200::1', standing: 'admitted' },
  ] as const;
  const parts = packHomes(homes);
  const gateways = [{ site: 'elm', node: 'a'.repeat(13), key: 'ab'.repeat(32) }];
  const hashes = parts.map(() => 'a'.repeat(52));
  const head = headBody({ gen: 3, group: 'east', homes: 2, parts: hashes, gateways, again: true });
  return [...parts, encodeUtf8(head), sealEnvelope('homes', head, [signer(1)])];
}

/** What `test/fuzz/main.ts` runs; a target throws when it has found something. */
export const targets: { name: string; run(bytes: Uint8Array): void }[] = [
  {
    name: 'signed message',
    run(bytes) {
      for (const kind of KINDS) {
        let envelope: ReturnType<typeof splitEnvelope>;
        try {
          envelope = splitEnvelope(kind, bytes);
        } catch (error) {
          if (error instanceof WireError) continue;
          throw error;
        }
        const signers = envelope.signatures.map(({ key, signature }) => ({ key, sign: () => signature }));
        if (/^\{"/.test(envelope.body)) {
          const again = sealEnvelope(kind, envelope.body, signers);
          if (decodeUtf8(again) !== decodeUtf8(bytes)) throw new Error('sealed again it is another one');
        }
        try {
          JSON.parse(envelope.body);
        } catch (error) {
          // refused by whoever reads it
          if (!(error instanceof SyntaxError)) throw error;
        }
      }
    },
  },
  {
    name: 'words of captains',
    run(bytes) {
      for (const word of ['report', 'vouch'] as const) {
        try {
          const { message } = readSigned(word, bytes);
          for (const text of Object.values(message))
            if (typeof text === 'string' && text.length > 1024) throw new Error(`too long: ${text.length}`);
        } catch (error) {
          if (!(error instanceof WireError)) throw error;
        }
      }
    },
  },
  {
    name: 'lists of homes',
    run(bytes) {
      try {
        const homes = readPart(bytes);
        // whoever has read it can write it, and reads the same again
        const again = packHomes(homes).flatMap(readPart);
        const sorted = [...homes].sort((a, b) => (a.address < b.address ? -1 : 1));
        if (new Set(homes.map(({ address }) => address)).size === homes.length)
          if (JSON.stringify(again) !== JSON.stringify(sorted)) throw new Error('packed again it is another one');
      } catch (error) {
        if (!(error instanceof WireError || error instanceof InputError)) throw error;
      }
      try {
        const head = readHead(decodeUtf8(bytes));
        if (JSON.stringify(readHead(headBody(head))) !== JSON.stringify(head)) throw new Error('not the same head');
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
      }
    },
  },
  {
    name: 'base64 and base32',
    run(bytes) {
      const same = (again: Uint8Array): void => {
        if (again.length !== bytes.length || again.some((byte, i) => byte !== bytes[i]))
          throw new Error('not the same');
      };
      same(decodeBase64(encodeBase64(bytes)));
      same(decodeBase32(encodeBase32(bytes)));
      const text = decodeUtf8(bytes);
      for (const [decode, encode] of [
        [decodeBase64, encodeBase64],
        [decodeBase32, encodeBase32],
      ] as const) {
        let decoded: Uint8Array;
        try {
          decoded = decode(text);
        } catch (error) {
          if (error instanceof RangeError) continue;
          throw error;
        }
        if (encode(decoded) !== text) throw new Error(`"${text}" is read, and written in another way`);
      }
      encodeUtf8(text);
    },
  },
];
