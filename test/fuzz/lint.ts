// Fuzz target of the lint: files that are nearly a router's own, and what netifd may say.

import type { Finding } from '../../src/api/model.ts';
import { parseUci, UciError } from '../../src/lib/uci.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/lib/utf8.ts';
import { formatFindings, lint, MAX_FINDINGS } from '../../src/mesh/lint.ts';
import type { FileFact } from '../../src/mesh/lint-fact.ts';
import { DUMP, FIREWALL, MESHBRIDGE, NETWORK, PASSWORD, PRIVATE_KEY } from '../support/router-files.ts';

const FILES = [NETWORK, FIREWALL, MESHBRIDGE, DUMP];
const MAX_TEXT = 2048;

/** The files of a good router; the byte in front says which of them an input stands for. */
export const lintCorpus: Uint8Array[] = FILES.map((text, i) => encodeUtf8(`${i}${text}`));

function factOf(text: string): FileFact {
  try {
    return { state: 'read', tree: parseUci(text) };
  } catch (error) {
    if (error instanceof UciError) return { state: 'broken', line: error.line, column: error.column };
    throw error;
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Every text in a finding, its words and values too. */
function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : [];
}

function check(findings: readonly Finding[]): void {
  if (findings.length > MAX_FINDINGS) throw new Error(`${findings.length} findings`);
  for (const finding of findings)
    for (const text of textsOf(finding)) {
      if (text.length > MAX_TEXT) throw new Error(`${finding.id}: ${text.length} characters`);
      if (/[\p{Cc}\p{Cf}\p{Cs}<>]/u.test(text)) throw new Error(`${finding.id}: ${JSON.stringify(text)}`);
      // what is damaged may have left its place and be a name, but never whole
      if (text.includes(PRIVATE_KEY)) throw new Error(`${finding.id}: tells the private key`);
    }
  if (formatFindings(findings).includes(`password=${PASSWORD}`)) throw new Error('tells a password');
}

/** What `test/fuzz/main.ts` runs; a target throws when it has found something. */
export const targets: { name: string; run(bytes: Uint8Array): void }[] = [
  {
    name: 'lint',
    run(bytes) {
      const texts = [...FILES];
      texts[(bytes[0] ?? 0) % FILES.length] = decodeUtf8(bytes, 1);
      const [network, firewall, meshbridge] = texts.slice(0, 3).map(factOf) as [FileFact, FileFact, FileFact];
      check(lint({ network, firewall, meshbridge, dump: jsonOf(texts[3]!) }));
    },
  },
];
