// The desk router's screen: a state in, lines of text out, and a thin drawer that puts them on a terminal.

import { writeSync } from 'node:fs';
import type { InterfaceStatus, LinkStatus, Peer } from '../api/model.ts';

/** One Yggdrasil node as the daemon tells of it. */
export interface NodeView {
  name: string;
  interface: string;
  address: string;
  /** What the desk did to it: false after a kill. */
  isRunning: boolean;
  /** Absent: the daemon has not told yet. */
  peers?: readonly Peer[];
  /** Why there are none. */
  problem?: string;
}

/** Something that happened. */
export interface EventView {
  /** Wall clock, `14:03:22`. */
  time: string;
  text: string;
}

export interface ScreenState {
  /** What runs, in words: Yggdrasil and how it is laid out, the broker, the daemon's engine. */
  yggdrasil: string;
  broker: string;
  engine: string;
  /** Said in capitals on top: this is not the real thing. */
  warning?: string;
  /** How to get to the web pages. */
  pages?: string;
  /** Of `meshbridge status`; absent while the daemon does not answer. */
  daemon?: {
    version: string;
    uptime_s: number;
    links: readonly LinkStatus[];
    interfaces: readonly InterfaceStatus[];
  };
  nodes: readonly NodeView[];
  /** Names of nodes by key. */
  names: ReadonlyMap<string, string>;
  /** Cables of the lab; none when the nodes are a stand-in. */
  cables: readonly { from: string; to: string; isCut: boolean }[];
  /** Oldest first. */
  events: readonly EventView[];
  /** Commands to type in another terminal. */
  hints: readonly string[];
  /** What the keys do. */
  keys: string;
}

const ESC = '\x1b[';
const STYLES = { bold: '1', dim: '2', red: '31', green: '32', yellow: '33', inverse: '7' } as const;
type Style = keyof typeof STYLES;

/** A piece of a line; its width is counted before colour is put on. */
interface Span {
  text: string;
  style?: Style | undefined;
}
type Line = readonly Span[];

const STATE_STYLES: Record<string, Style> = { up: 'green', unproven: 'yellow', down: 'red' };
const ORIGINS: Record<string, string> = { configured: 'config', multicast: 'mcast' };
const ORIGIN_ORDER = ['configured', 'runtime', 'multicast', 'inbound'];
const MIN_EVENTS = 4;

/** Text of others made safe for a terminal: no control characters, nothing whose width is in doubt. */
function clean(text: string): string {
  return text.replace(/[^\x20-\x7e\u00a1-\u00ac\u00ae-\u02af…–]/g, '?');
}

/** Cuts in the middle: both ends of a URI tell something. */
function shorten(text: string, width: number): string {
  if (text.length <= width) return text;
  if (width < 2) return text.slice(0, width);
  const head = Math.ceil((width - 1) / 2);
  return `${text.slice(0, head)}…${text.slice(text.length - (width - 1 - head))}`;
}

/** At most five characters. */
export function formatBytes(bytes: number | undefined): string {
  if (bytes === undefined) return '-';
  let value = bytes;
  for (const unit of ['', 'K', 'M', 'G', 'T']) {
    if (value < 999.5)
      return unit === '' || value >= 99.5 ? `${Math.round(value)}${unit}` : `${value.toFixed(1)}${unit}`;
    value /= 1000;
  }
  return `${Math.round(value)}P`;
}

/** At most four characters, for less than 10,000 days. */
export function formatAge(ms: number | undefined): string {
  if (ms === undefined) return '-';
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 100) return `${s}s`;
  if (s < 100 * 60) return `${Math.round(s / 60)}m`;
  return s < 100 * 3600 ? `${Math.round(s / 3600)}h` : `${Math.round(s / 86400)}d`;
}

/** At most six characters. */
export function formatLatency(ms: number | undefined): string {
  if (ms === undefined) return '-';
  if (ms < 9.95) return `${ms.toFixed(1)}ms`;
  return ms < 9999.5 ? `${Math.round(ms)}ms` : `${Math.round(ms / 1000)}s`;
}

interface Column {
  title: string;
  /** Flexible: takes what the others leave. */
  width: number | 'rest';
  align?: 'right';
  /** Narrowest screen that shows it. */
  fromWidth?: number;
  text(peer: Peer, names: ReadonlyMap<string, string>): string;
}

const COLUMNS: readonly Column[] = [
  { title: 'PEER', width: 7, text: (p, names) => p.name ?? names.get(p.key ?? '') ?? '-' },
  { title: 'REMOTE', width: 'rest', text: (p) => p.remote ?? '-' },
  { title: 'FROM', width: 7, text: (p) => ORIGINS[p.origin] ?? p.origin },
  { title: 'STATE', width: 8, text: (p) => p.state },
  { title: 'PROVEN', width: 6, align: 'right', text: (p) => formatAge(p.proven_ago_ms) },
  { title: 'RTT', width: 6, align: 'right', text: (p) => formatLatency(p.latency_ms) },
  { title: 'RX/s', width: 5, align: 'right', text: (p) => formatBytes(p.rx_bytes_per_s) },
  { title: 'TX/s', width: 5, align: 'right', text: (p) => formatBytes(p.tx_bytes_per_s) },
  { title: 'RX', width: 5, align: 'right', fromWidth: 96, text: (p) => formatBytes(p.rx_bytes) },
  { title: 'TX', width: 5, align: 'right', fromWidth: 96, text: (p) => formatBytes(p.tx_bytes) },
  { title: 'SINCE', width: 5, align: 'right', text: (p) => formatAge(p.state_ago_ms) },
];

function fit(text: string, width: number, align?: 'right'): string {
  const short = shorten(clean(text), width);
  return align ? short.padStart(width) : short.padEnd(width);
}

/** One row of the table, indented by two. */
function row(width: number, cell: (column: Column) => Span): Span[] {
  const columns = COLUMNS.filter((column) => width >= (column.fromWidth ?? 0));
  const fixed = columns.reduce((sum, column) => sum + 1 + (column.width === 'rest' ? 0 : column.width), 1);
  const rest = Math.max(8, width - fixed);
  return columns.flatMap((column, i) => {
    const { text, style } = cell(column);
    return [
      { text: i === 0 ? '  ' : ' ' },
      { text: fit(text, column.width === 'rest' ? rest : column.width, column.align), style },
    ];
  });
}

function peerRow(peer: Peer, state: ScreenState, width: number): Line {
  return row(width, (column) => ({
    text: column.text(peer, state.names),
    style: column.title === 'STATE' ? STATE_STYLES[peer.state] : undefined,
  }));
}

function sorted(peers: readonly Peer[]): Peer[] {
  const order = (peer: Peer): number => (ORIGIN_ORDER.indexOf(peer.origin) + 5) % 5;
  return [...peers].sort(
    (a, b) =>
      order(a) - order(b) || ((a.remote ?? '') < (b.remote ?? '') ? -1 : 1) || Number(a.inbound) - Number(b.inbound),
  );
}

/** The heading of a node: who it is, how many peers are up, what passed through them. */
function nodeHeading(node: NodeView, width: number): Line {
  const peers = node.peers;
  const sum = (field: 'rx_bytes' | 'tx_bytes'): string => formatBytes(peers?.reduce((n, p) => n + (p[field] ?? 0), 0));
  let right = 'waiting for the daemon';
  if (!node.isRunning) right = 'killed (key k starts it)';
  else if (node.problem) right = node.problem;
  else if (peers)
    right = `${peers.filter((p) => p.state === 'up').length}/${peers.length} up  rx ${sum('rx_bytes')} tx ${sum('tx_bytes')}`;
  const left = `${node.name}  ${node.interface}`;
  const room = width - left.length - 2;
  const address = shorten(clean(node.address), Math.max(0, room - 2 - Math.min(right.length, 26)));
  const style = !node.isRunning || node.problem ? 'red' : undefined;
  const shown = shorten(clean(right), Math.max(0, room - address.length - 2));
  return [
    { text: left, style: 'bold' },
    { text: `  ${address}  ` },
    { text: shown.padStart(room - address.length - 2), style },
  ];
}

function nodeBlock(node: NodeView, state: ScreenState, width: number): Line[] {
  const heading = nodeHeading(node, width);
  if (!node.isRunning || node.problem || !node.peers) return [heading];
  if (node.peers.length === 0) return [heading, [{ text: '  no peers', style: 'dim' }]];
  return [heading, ...sorted(node.peers).map((peer) => peerRow(peer, state, width))];
}

/** Takes lines off the longest blocks until all fit; a block says how many it lost. */
function squeeze(blocks: Line[][], room: number): Line[] {
  const keep = blocks.map((block) => block.length);
  while (keep.reduce((a, b) => a + b, 0) > room && Math.max(...keep) > 2) keep[keep.indexOf(Math.max(...keep))]!--;
  return blocks.flatMap((block, i) => {
    const count = keep[i]!;
    if (count === block.length) return block;
    return [...block.slice(0, count - 1), [{ text: `  … ${block.length - count + 1} more`, style: 'dim' as const }]];
  });
}

function daemonLine(state: ScreenState): Line {
  const { daemon } = state;
  if (!daemon) return [{ text: 'daemon ' }, { text: 'does not answer yet', style: 'yellow' }];
  const spans: Span[] = [{ text: `daemon ${clean(daemon.version)} up ${formatAge(daemon.uptime_s * 1000)}, links:` }];
  for (const link of daemon.links) {
    const name = clean(link.name.replace(/^yggdrasil\./, ''));
    spans.push({ text: ` ${name} ` }, { text: clean(link.state), style: link.state === 'up' ? 'green' : 'red' });
  }
  return spans;
}

function cableLine(state: ScreenState): Line[] {
  if (state.cables.length === 0) return [];
  const spans: Span[] = [{ text: 'cables:' }];
  for (const { from, to, isCut } of state.cables)
    spans.push(
      { text: ` ${from}${isCut ? '-/-' : '---'}${to}` },
      isCut ? { text: ' CUT', style: 'red' } : { text: '' },
    );
  return [spans];
}

/** Cuts a line at `width` and puts colour on. */
function paint(line: Line, width: number, color: boolean): string {
  let left = width;
  let out = '';
  const total = line.reduce((sum, span) => sum + span.text.length, 0);
  for (const { text, style } of line) {
    let shown = text.slice(0, left);
    if (total > width && shown.length === left && left > 0) shown = `${shown.slice(0, -1)}…`;
    left -= shown.length;
    if (shown) out += color && style ? `${ESC}${STYLES[style]}m${shown}${ESC}0m` : shown;
  }
  return out.trimEnd();
}

/**
 * The whole screen: at most `height` lines of at most `width` characters, joined by "\n". Meaning never hangs on colour alone.
 * @param color with ANSI colours; without, plain text.
 */
export function render(state: ScreenState, width: number, height: number, color = false): string {
  const top: Line[] = [
    [{ text: 'meshbridge desk', style: 'bold' }, { text: ` | ${state.yggdrasil} | ${state.broker} | ${state.engine}` }],
    ...(state.warning ? [[{ text: state.warning, style: 'inverse' as const }]] : []),
    daemonLine(state),
    ...(state.pages ? [[{ text: 'web pages: ' }, { text: clean(state.pages), style: 'bold' as const }]] : []),
  ];
  const header = row(width, (column) => ({ text: column.title, style: 'dim' }));
  const cables = cableLine(state);
  const events = state.events.map(
    ({ time, text }): Line => [{ text: `${time} `, style: 'dim' }, { text: clean(text) }],
  );
  const hints = state.hints.map(
    (hint, i): Line => [{ text: i === 0 ? 'try ' : '    ', style: 'bold' }, { text: hint }],
  );
  const bottom: Line[] = [...hints, [{ text: state.keys, style: 'dim' }]];

  const blocks = state.nodes.map((node) => nodeBlock(node, state, width));
  const fixed = top.length + 1 + cables.length + 1 + bottom.length;
  const nodes = squeeze(blocks, Math.max(2 * blocks.length, height - fixed - MIN_EVENTS));
  const roomForEvents = Math.max(0, height - fixed - nodes.length);
  const shownEvents = events.slice(Math.max(0, events.length - roomForEvents));
  const eventTitle: Line = [{ text: events.length ? 'events' : 'events: none yet', style: 'bold' }];
  const filler = Array.from({ length: roomForEvents - shownEvents.length }, (): Line => []);
  const lines = [...top, header, ...nodes, ...cables, eventTitle, ...shownEvents, ...filler, ...bottom];
  return lines
    .slice(0, height)
    .map((line) => paint(line, width, color))
    .join('\n');
}

/** Whether this terminal wants colour. Source: no-color.org. */
export function wantsColor(env: NodeJS.ProcessEnv, isTty: boolean): boolean {
  return isTty && !env.NO_COLOR && env.TERM !== 'dumb';
}

/** Puts frames on a terminal's alternate screen and gives the terminal back as it was, however the program ends. */
export class Drawer {
  private isOpen = false;
  private last = '';

  constructor(
    private readonly out: NodeJS.WriteStream,
    private readonly color: boolean,
  ) {}

  open(): void {
    this.isOpen = true;
    process.on('exit', this.restore);
    this.out.write(`${ESC}?1049h${ESC}?25l${ESC}?7l${ESC}2J`);
  }

  /** Draws what changed; nothing when nothing did. */
  draw(state: ScreenState): void {
    if (!this.isOpen || this.out.writableNeedDrain) return; // a slow terminal skips frames
    const frame = render(state, this.out.columns || 80, this.out.rows || 24, this.color);
    if (frame === this.last) return;
    this.last = frame;
    // Each line is erased before it is written: afterwards, erasing to its end would take the last character of a full line.
    this.out.write(`${ESC}H${ESC}K${frame.replaceAll('\n', `\r\n${ESC}K`)}`);
  }

  /** The window has another size: the next frame is drawn whole. */
  resized(): void {
    this.last = '';
    if (this.isOpen) this.out.write(`${ESC}H${ESC}J`);
  }

  close(): void {
    process.off('exit', this.restore);
    this.restore();
  }

  /** Written at once, as the program may be about to end. */
  private readonly restore = (): void => {
    if (!this.isOpen) return;
    this.isOpen = false;
    try {
      writeSync(1, `${ESC}?7h${ESC}?25h${ESC}?1049l`);
    } catch {
      // the terminal is gone
    }
  };
}
