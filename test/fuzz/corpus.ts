// What fuzzing starts from: captured frames and answers, the shipped configuration; and every finding that was kept.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inProject } from '../../build/project.ts';
import { fromHex, joinBytes, toHex } from '../../src/lib/bytes.ts';
import { decodeMessage } from '../../src/ubus/message.ts';
import session from '../fixtures/ubus/session.json';
import { ACCEPTED } from '../support/uci-text.ts';

const FINDINGS = inProject('test/fixtures/fuzz');

const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));

/** Frames, the tables in them, and the whole session in a row. */
export function ubusCorpus(): Uint8Array[] {
  const frames = session.map(({ hex }) => fromHex(hex));
  return [...frames, ...frames.flatMap((frame) => decodeMessage(frame).attributes.data ?? []), joinBytes(frames)];
}

/** Answers of the admin socket, what they carry, and peer URIs. */
export function yggdrasilCorpus(): Uint8Array[] {
  const directory = inProject('test/fixtures/yggdrasil');
  const texts = readdirSync(directory)
    .filter((name) => name.endsWith('.json') && !name.startsWith('made-'))
    .map((name) => (JSON.parse(readFileSync(join(directory, name), 'utf8')) as { response: string }).response);
  const uris = texts.flatMap((text) => [...text.matchAll(/"remote": "([^"]+)"/g)].map((match) => match[1]!));
  const options = ['?key=00', '?password=x&priority=1', '?maxbackoff=1h30m', '?sni=a.b'];
  return [...texts, ...new Set(uris), ...options.map((text) => `tls://[2001:db8::1]:4001${text}`)].map(bytesOf);
}

/** The shipped configuration, as it is and with each default set, and endpoints. */
export function configCorpus(): Uint8Array[] {
  const shipped = readFileSync(inProject('openwrt-feed/meshbridge/files/meshbridge.config'), 'utf8');
  const endpoints = ['/run/a.sock', 'ygg0', '127.0.0.1:9001', '2001:db8::1]:9001', 'unix:///tmp/yggdrasil/ygg0.sock'];
  return [shipped, shipped.replace(/^(\t?)# (?=option|config)/gm, '$1'), ...ACCEPTED, ...endpoints].map(bytesOf);
}

/** Inputs that were findings of a target once. */
export function keptFindings(target: string): Uint8Array[] {
  if (!existsSync(FINDINGS)) return [];
  return readdirSync(FINDINGS)
    .map((name) => JSON.parse(readFileSync(join(FINDINGS, name), 'utf8')) as { target: string; hex: string })
    .filter((finding) => finding.target === target)
    .map(({ hex }) => fromHex(hex));
}

/** Keeps an input for good; answers the path of its file. */
export function keepFinding(target: string, input: Uint8Array, error: string): string {
  const sum = createHash('sha256').update(input).digest('hex').slice(0, 8);
  const path = join(FINDINGS, `${target.replace(/[^a-z0-9]+/gi, '-')}-${sum}.json`);
  mkdirSync(FINDINGS, { recursive: true });
  writeFileSync(path, `${JSON.stringify({ target, error, hex: toHex(input) }, undefined, 1)}\n`);
  return path;
}
