// Fuzz targets of the configuration: the UCI parser, the edits of UCI files, the options of meshbridge, endpoints.

import { parseConfig } from '../../src/config.ts';
import { ConfigError, InputError } from '../../src/errors.ts';
import { addSection, formatUci, parseUci, removeSection, UciError, type UciPackage } from '../../src/lib/uci.ts';
import { decodeUtf8 } from '../../src/lib/utf8.ts';
import { formatEndpoint, parseEndpoint } from '../../src/transport/endpoint.ts';
import { seededRandom } from '../support/random.ts';
import { randomUciText } from '../support/uci-text.ts';

type Refusal = typeof UciError | typeof ConfigError | typeof InputError;

/** The result of `run`, `undefined` when it refused by one of these classes; whatever else is thrown is a finding. */
function attempt<T>(run: () => T, ...refusals: Refusal[]): T | undefined {
  try {
    return run();
  } catch (error) {
    if (refusals.some((refusal) => error instanceof refusal)) return undefined;
    throw error;
  }
}

/** The bytes as text, or a text that nearly is a UCI file and depends on them. */
function uciText(bytes: Uint8Array): string {
  const text = decodeUtf8(bytes);
  if (bytes.length % 2 === 0) return text;
  const seed = bytes.reduce((sum, byte) => (Math.imul(sum, 31) + byte) | 0, 0);
  return randomUciText(seededRandom(seed)) + text.slice(0, 8);
}

function plain({ sections }: UciPackage): string {
  return JSON.stringify(
    sections.map((s) => [s.type, s.anonymous || s.name, [...s.options].map(([name, { value }]) => [name, value])]),
  );
}

function same(got: string, wanted: string, what: string): void {
  if (got !== wanted) throw new Error(`${what}: ${got} instead of ${wanted}`);
}

/** What `test/fuzz/main.ts` runs; a target throws when it has found something. */
export const targets: { name: string; run(bytes: Uint8Array): void }[] = [
  {
    name: 'uci parse and format',
    run(bytes) {
      const tree = attempt(() => parseUci(uciText(bytes)), UciError);
      if (tree) same(plain(parseUci(formatUci(tree))), plain(tree), 'printed and read again');
    },
  },
  {
    name: 'uci edits',
    run(bytes) {
      const text = `${uciText(bytes)}\n`;
      const added = attempt(() => addSection(text, 'fuzz', 'fuzzed', { x: "it's" }), UciError, InputError);
      if (added === undefined) return;
      if (!added.startsWith(text)) throw new Error('addSection changed what was there');
      same(removeSection(added, 'fuzzed'), text, 'added and removed');
      const { sections } = parseUci(text);
      for (const section of sections.slice(0, 4)) {
        const rest = attempt(() => removeSection(text, section.name), InputError);
        if (rest === undefined) continue;
        same(
          plain(parseUci(rest)),
          plain({ sections: sections.filter((s) => s !== section) }),
          `removed ${section.name}`,
        );
      }
    },
  },
  {
    name: 'meshbridge configuration',
    run(bytes) {
      const text = uciText(bytes);
      attempt(() => parseConfig(text), ConfigError);
      attempt(() => parseConfig(`config meshbridge main\noption probe '1'\n${text}`), ConfigError);
      attempt(() => parseConfig(`config interface a\noption socket '${text.replaceAll("'", '')}'`), ConfigError);
    },
  },
  {
    name: 'endpoint',
    run(bytes) {
      const text = decodeUtf8(bytes);
      for (const prefix of ['', 'unix:///', 'unix://@', 'tcp://', 'tcp://[']) {
        const endpoint = attempt(() => parseEndpoint(prefix + text), InputError);
        if (!endpoint) continue;
        same(
          JSON.stringify(parseEndpoint(formatEndpoint(endpoint))),
          JSON.stringify(endpoint),
          'written and read again',
        );
      }
    },
  },
];
