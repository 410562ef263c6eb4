// Figures as they come, one line of JSON each, and all of them as a table.

/** One measured thing. */
export interface Figure {
  what: string;
  /** Number of peers that Yggdrasil told of. */
  peers?: number;
  /** `undefined`: not measured here, `note` says why. */
  value: number | undefined;
  unit: string;
  /** What it should keep to. */
  target?: { atMost: number } | { atLeast: number };
  note?: string;
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}

function verdict({ value, target }: Figure): string {
  if (!target || value === undefined) return '';
  const [met, text] =
    'atMost' in target
      ? [value <= target.atMost, `<= ${target.atMost}`]
      : [value >= target.atLeast, `>= ${target.atLeast}`];
  return `${text} ${met ? 'met' : 'MISSED'}`;
}

export class Report {
  private readonly figures: Figure[] = [];

  /** Prints a line of JSON. */
  add(figure: Figure): void {
    this.figures.push(figure);
    const { value } = figure;
    console.log(JSON.stringify({ ...figure, value: value === undefined ? null : round(value) }));
  }

  table(): string {
    return this.figures
      .map((figure) => {
        const { what, peers, value, unit, note } = figure;
        const cells = [
          what.padEnd(44),
          String(peers ?? '').padStart(5),
          (value === undefined ? '-' : String(round(value))).padStart(11),
          unit.padEnd(8),
          verdict(figure).padEnd(18),
          note ?? '',
        ];
        return cells.join(' ').trimEnd();
      })
      .join('\n');
  }
}
