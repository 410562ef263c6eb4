// Our UCI parser against the real `uci`, where that is on PATH.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  addSection,
  formatUci,
  parseUci,
  removeSection,
  setOption,
  UciError,
  type UciPackage,
} from '../../src/lib/uci.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/lib/utf8.ts';
import { seededRandom } from '../support/random.ts';
import { ACCEPTED, REFUSED, randomUciText } from '../support/uci-text.ts';

const RANDOM_FILES = 3000;
const EDITED_FILES = 300;

const real = suite('the real uci');
const directory = mkdtempSync(join(tmpdir(), 'meshbridge-uci-'));
real.after(() => rmSync(directory, { recursive: true }));

/** Runs `uci` without anything of the machine's own configuration. */
function uci(...args: string[]): { status: number | null; stdout: string } {
  const own = ['-q', '-c', directory, '-C', join(directory, '.override'), '-t', join(directory, '.deltas')];
  const { status, stdout, error } = spawnSync('uci', [...own, ...args], { maxBuffer: 64 << 20 });
  if (error) throw error;
  return { status, stdout: decodeUtf8(stdout) };
}

function save(name: string, text: string): void {
  writeFileSync(join(directory, name), encodeUtf8(text));
}

const SINGLE = 'single';
real.after.each(() => rmSync(join(directory, SINGLE), { force: true }));

let files = 0;

/** What `uci export` makes of each text; `undefined` where it refuses. */
function exportAll(texts: readonly string[]): (string | undefined)[] {
  const names = texts.map((text) => {
    const name = `probe${String(++files).padStart(6, '0')}x`;
    save(name, text);
    return name;
  });
  const { stdout } = uci('export');
  const exported = new Map<string, string>();
  for (const part of stdout.split(/^package (?=probe\d{6}x\n)/m).slice(1)) {
    exported.set(part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n') + 1));
  }
  for (const name of names) rmSync(join(directory, name));
  return names.map((name) => exported.get(name));
}

function parsed(text: string): UciPackage | undefined {
  try {
    return parseUci(text);
  } catch (error) {
    if (error instanceof UciError) return undefined;
    throw error;
  }
}

/** As libuci prints it: without quotes around a type that needs them. */
function formatted(tree: UciPackage): string {
  return formatUci({ sections: tree.sections.map((section) => ({ ...section, type: 'T' })) });
}

function compare(texts: readonly string[]): { accepted: number } {
  let accepted = 0;
  for (const [i, theirs] of exportAll(texts).entries()) {
    const text = texts[i]!;
    const ours = parsed(text);
    assert.is(ours !== undefined, theirs !== undefined, `~> accepted alike: ${JSON.stringify(text)}`);
    if (!ours || theirs === undefined) continue;
    accepted++;
    const plain = ours.sections.every((section) => /^[\w.-]+$/.test(section.type));
    if (plain) assert.is(formatUci(ours), theirs, `~> printed alike: ${JSON.stringify(text)}`);
    else assert.is(formatted(ours), theirs.replace(/^config \S+/gm, 'config T'), `~> ${JSON.stringify(text)}`);
  }
  return { accepted };
}

const generator = suite('randomUciText');
generator('makes the same texts from the same seed, some of them fit, some not', () => {
  const make = (): string[] => {
    const random = seededRandom(1);
    return Array.from({ length: 200 }, () => randomUciText(random));
  };
  assert.equal(make(), make());
  const accepted = make().filter((text) => parsed(text) !== undefined).length;
  assert.ok(accepted > 40 && accepted < 160, `~> ${accepted} of 200 accepted`);
});
generator.run();

const found = spawnSync('uci', ['-h']).error === undefined;
if (!found) {
  console.log('skipped: comparison with the real uci: no `uci` on PATH');
  rmSync(directory, { recursive: true });
} else {
  for (const text of ACCEPTED)
    real(`accepts and prints alike ${JSON.stringify(text).slice(0, 80)}`, () => {
      assert.is(compare([text]).accepted, 1);
      save(SINGLE, text);
      assert.is(uci('export', SINGLE).status, 0);
    });

  for (const [text] of REFUSED)
    real(`refuses alike ${JSON.stringify(text)}`, () => {
      assert.is(compare([text]).accepted, 0);
      save(SINGLE, text);
      assert.is(uci('export', SINGLE).status, 1);
    });

  real('reads random files alike', () => {
    const random = seededRandom(20260801);
    const texts = Array.from({ length: RANDOM_FILES }, () => randomUciText(random));
    const { accepted } = compare(texts);
    console.log(`measured: ${RANDOM_FILES} random UCI files read as uci reads them, ${accepted} of them accepted`);
  });

  real('names anonymous sections alike', () => {
    save(SINGLE, 'config a\nconfig bb\nconfig c named\nconfig route-1\n');
    const { stdout } = uci('-X', 'show', SINGLE);
    const names = parseUci('config a\nconfig bb\nconfig c named\nconfig route-1\n').sections.map(
      (s) => `${s.name}=${s.type}`,
    );
    assert.equal(
      stdout.trim().split('\n'),
      names.map((name) => `${SINGLE}.${name}`),
    );
  });

  real('writes the file that uci commit writes', () => {
    const text = "config a 'b'\n\toption x 'y'\n# comment\nconfig a\n\tlist z 'it'\\''s'\n";
    save(SINGLE, text);
    uci('set', `${SINGLE}.b.x=z`);
    assert.is(uci('commit', SINGLE).status, 0);
    const tree = parseUci(text);
    tree.sections[0]!.options.set('x', { value: 'z', line: 2 });
    assert.is(readFileSync(join(directory, SINGLE), 'utf8'), formatUci(tree));
  });

  real('reads what the edits made', () => {
    const random = seededRandom(7);
    const edited: string[] = [];
    while (edited.length < EDITED_FILES) {
      const text = `${randomUciText(random)}\n`;
      const tree = parsed(text);
      if (!tree?.sections.length) continue;
      const { name } = tree.sections[Math.floor(random() * tree.sections.length)]!;
      edited.push(addSection(text, 'added', 'added', { address: "it's\nhere", list: ['1', '2'] }));
      try {
        edited.push(removeSection(text, name), setOption(text, name, 'set_here', 'some "thing"'));
      } catch (error) {
        assert.match(String(error), /one statement a line/);
      }
    }
    assert.is(compare(edited).accepted, edited.length);
  });
  real.run();
}
