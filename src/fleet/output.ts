// What a command of meshctl prints: lines for people or JSON for programs on standard output, notes and progress on standard error.

import { clean, formatAge, toJson } from './display.ts';
import { EXITS, type Failure } from './failure.ts';
import { paint, STYLING, type Style, type Terminal } from './table.ts';

/** So long nothing is said. */
const QUIET_MS = 2000;
/** How often waiting is told of: on a terminal in place, else line by line. */
const TICK_MS = 1000;
const LINE_MS = 10_000;

/** Where it goes. */
export interface OutputStreams {
  out(text: string): void;
  err(text: string): void;
  /** Of standard output. */
  terminal: Terminal;
  /** Whether standard error is a terminal. */
  isErrTerminal: boolean;
}

/** One command's output. With `json`, standard output has JSON and nothing else. */
export class Output {
  readonly terminal: Terminal;
  private hasResult = false;

  constructor(
    private readonly streams: OutputStreams,
    readonly json: boolean,
  ) {
    this.terminal = streams.terminal;
  }

  /** Lines for people; not with `json`. Whatever a stranger put into them, the terminal gets text and our own styles. */
  print(...lines: string[]): void {
    if (this.json) return;
    for (const line of lines.flatMap((text) => text.split('\n'))) this.streams.out(`${this.harmless(line)}\n`);
  }

  private harmless(line: string): string {
    if (!this.terminal.isColoured) return clean(line);
    return line
      .split(STYLING)
      .map((part, at) => (at % 2 === 1 ? part : clean(part)))
      .join('');
  }

  /** A text in its style, for `print`. */
  paint(text: string, style: Style): string {
    return paint(clean(text), style, this.terminal);
  }

  /** The result for programs; only with `json`. With `compact`, one line of several. */
  result(value: unknown, compact = false): void {
    this.hasResult = !compact;
    if (this.json) this.streams.out(`${toJson(value, compact ? undefined : 2)}\n`);
  }

  /** Something that people should know, beside the result. */
  note(text: string): void {
    this.streams.err(`${clean(text)}\n`);
  }

  /** Something that is not as it should be, beside the result. */
  warn(text: string): void {
    this.note(`warning: ${text}`);
  }

  /** The end of a command that failed. After a result that says it all, the failure has no message. */
  fail({ ending, message, hint }: Failure): void {
    if (this.json && !this.hasResult)
      this.streams.out(`${toJson({ error: message, ending, exit: EXITS[ending], ...(hint && { hint }) }, 2)}\n`);
    if (message !== '') for (const line of message.split('\n')) this.note(`meshctl: ${line}`);
    if (hint) for (const line of hint.split('\n')) this.note(`  ${line}`);
  }

  /** Waits for something, and tells so when it takes longer than two seconds; `what` says what is waited for, at any moment. */
  async waiting<T>(what: string | (() => string), promise: Promise<T>): Promise<T> {
    const started = Date.now();
    const { isErrTerminal } = this.streams;
    let told = 0;
    const tell = (): void => {
      const now = Date.now();
      if (now - started < QUIET_MS || now - told < (isErrTerminal ? TICK_MS : LINE_MS)) return;
      told = now;
      const text = `${clean(typeof what === 'string' ? what : what())} (${formatAge((now - started) / 1000)}) …`;
      this.streams.err(isErrTerminal ? `\r\x1b[K${text}` : `${text}\n`);
    };
    const timer = setInterval(tell, TICK_MS / 2);
    try {
      return await promise;
    } finally {
      clearInterval(timer);
      if (told > 0 && isErrTerminal) this.streams.err('\r\x1b[K');
    }
  }
}
