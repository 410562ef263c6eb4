import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Column, formatFields, formatTable } from '../../src/fleet/table.ts';

interface Row {
  name: string;
  peers: number;
}
const COLUMNS: Column<Row>[] = [
  { title: 'NAME', least: 6, cell: ({ name }) => name },
  {
    title: 'PEERS',
    align: 'right',
    cell: ({ peers }) => ({ text: String(peers), style: peers > 0 ? 'green' : 'red' }),
  },
];
const ROWS: Row[] = [
  { name: 'a house with a long name', peers: 3 },
  { name: 'b\x1b[31m', peers: 0 },
];
const PLAIN = { width: undefined, isColoured: false };

const table = suite('formatTable');
table('is as wide as what it holds', () =>
  assert.equal(formatTable(ROWS, COLUMNS, PLAIN), [
    'NAME                      PEERS',
    'a house with a long name      3',
    'b?[31m                        0',
  ]),
);
table('is cut where the terminal is narrower, but for what must be seen whole', () => {
  const lines = formatTable(ROWS, COLUMNS, { width: 20, isColoured: false });
  assert.equal(lines, ['NAME           PEERS', 'a house with…      3', 'b?[31m             0']);
  assert.is(formatTable(ROWS, COLUMNS, { width: 3, isColoured: false })[1], 'a hou…      3');
});
table('has colour only on a terminal', () => {
  assert.match(formatTable(ROWS, COLUMNS, { width: 40, isColoured: true })[1]!, '\x1b[32m');
  assert.not.match(formatTable(ROWS, COLUMNS, PLAIN).join(''), '\x1b');
});
table('bears many rows', () => {
  const rows = Array.from({ length: 150_000 }, (_, peers) => ({ name: 'n', peers }));
  assert.is(formatTable(rows, COLUMNS, PLAIN).length, 150_001);
});
table.run();

// ---

const fields = suite('formatFields');
fields('puts names in one column, and leaves out what is not known', () =>
  assert.equal(
    formatFields(
      [
        ['node', 'x'],
        ['interface', undefined],
        ['key id', { text: 'y\n', style: 'red' }],
      ],
      PLAIN,
    ),
    ['node    x', 'key id  y'],
  ),
);
fields.run();
