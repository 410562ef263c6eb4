// The safety lint: what is unsafe or broken in a router's configuration, from what the files and netifd say. Changes nothing.
//
// A check reports only what is certain from the facts; what each one means is in lint-finding.ts.

import { FINDING_LEVELS, type Finding } from '../api/model.ts';
import { isEnabled, LINTED_FILES, type LintFacts, placedSections, textOf } from './lint-fact.ts';
import { Findings } from './lint-finding.ts';
import { lintFirewall } from './lint-firewall.ts';
import { lintLease } from './lint-lease.ts';
import { lintNetwork } from './lint-network.ts';

/** Most findings in one answer. */
export const MAX_FINDINGS = 64;
/** Columns of a terminal. */
const WIDTH = 80;

/** What is wrong, what weighs most first; at most MAX_FINDINGS, of which the last then counts the rest. No secret is quoted. */
export function lint(facts: LintFacts): Finding[] {
  const findings = new Findings();
  for (const file of LINTED_FILES) {
    const fact = facts[file];
    if (fact.state === 'broken') findings.add('broken_file', file, { file, line: fact.line, column: fact.column });
    else if (fact.state === 'unread') findings.add('unread_file', file, { file, reason: fact.reason });
  }
  const interfaces = lintNetwork(facts, findings);
  lintFirewall(facts, interfaces, findings);
  lintLease(facts, findings);
  const named = lintMeshbridge(facts, findings);
  const isNode = named || findings.list.some(({ id }) => id === 'disabled');
  if (facts.network.state === 'read' && interfaces.length === 0 && !isNode) findings.add('no_interface', 'network');
  return ranked(findings);
}

/** Checks our own file as far as safety goes; its options are `parseConfig`'s. @returns whether it names a Yggdrasil by itself. */
function lintMeshbridge(facts: LintFacts, findings: Findings): boolean {
  const sections = (placedSections('meshbridge', facts.meshbridge).get('interface') ?? []).filter(
    (section) => isEnabled(section) !== false,
  );
  for (const section of sections) {
    const [, host, port] = /^tcp:\/\/(.+):(\d+)$/.exec(textOf(section, 'socket')) ?? [];
    if (host === undefined || /^(127(\.\d{1,3}){3}|localhost|\[::1\])$/.test(host)) continue;
    const endpoint = `${host}:${port}`;
    findings.add('admin_over_network', `${section.place}.socket`, { interface: section.name, endpoint });
  }
  return sections.length > 0;
}

function ranked({ list, leftOut }: Findings): Finding[] {
  const sorted = FINDING_LEVELS.flatMap((level) => list.filter((finding) => finding.level === level));
  const most = sorted.length + Math.min(leftOut, 1) <= MAX_FINDINGS ? sorted.length : MAX_FINDINGS - 1;
  const rest = new Findings();
  const count = leftOut + sorted.length - most;
  if (count > 0) rest.add('more', 'network', { count });
  return [...sorted.slice(0, most), ...rest.list];
}

/** Findings as lines of plain text for a terminal; empty without any. */
export function formatFindings(findings: readonly Finding[]): string {
  return findings
    .map(({ id, level, option, what, why, fix }) =>
      [`${level}: ${option} (${id})`, ...wrap(what), ...wrap(`Why: ${why}`), ...wrap(`Fix: ${fix}`), ''].join('\n'),
    )
    .join('\n');
}

/** Lines of at most WIDTH columns, indented; a word that is longer stands alone. */
function wrap(text: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= WIDTH) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(`${last === undefined ? '  ' : '    '}${word}`);
  }
  return lines;
}
