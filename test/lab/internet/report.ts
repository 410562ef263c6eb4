// What the lab prints: a line for each check, PASS or FAIL, with what was measured.

import { errorText } from '../../../src/errors.ts';

/** A figure in words. */
export function ms(value: number): string {
  return value < 1000 ? `${Math.round(value)} ms` : `${(value / 1000).toFixed(1)} s`;
}

/** Fails a check. @throws Error always where `holds` is false. */
export function expect(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what);
}

/** Counts checks and prints them. */
export class LabReport {
  passed = 0;
  failed = 0;
  /** What those who were checked said last. */
  lastWords: () => readonly string[] = () => [];
  private readonly startMs = performance.now();

  constructor(private readonly print: (line: string) => void) {}

  /** Runs one check. @param run answers with what was measured, in words. @returns whether it passed. */
  async check(name: string, run: () => Promise<string>): Promise<boolean> {
    const startMs = performance.now();
    try {
      const measured = await run();
      this.passed++;
      this.print(`PASS ${name}: ${measured} [${ms(performance.now() - startMs)}]`);
      return true;
    } catch (error) {
      this.failed++;
      this.print(`FAIL ${name}: ${errorText(error)} [${ms(performance.now() - startMs)}]`);
      for (const line of this.lastWords()) this.print(`     ${line}`);
      return false;
    }
  }

  /** The last line, as all runners of tests end. */
  end(): void {
    this.print(`measured: ${this.passed + this.failed} checks took ${ms(performance.now() - this.startMs)}`);
    this.print(`${this.passed} passed, ${this.failed} failed`);
  }
}
