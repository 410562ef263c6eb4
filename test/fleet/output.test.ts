import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Output } from '../../src/fleet/output.ts';

/** What a terminal gets of lines. */
function printed(isColoured: boolean, lines: (output: Output) => string[]): string {
  let out = '';
  const streams = {
    out: (text: string) => {
      out += text;
    },
    err: () => {},
    terminal: { width: undefined, isColoured },
    isErrTerminal: false,
  };
  const output = new Output(streams, false);
  output.print(...lines(output));
  return out;
}

const print = suite('meshctl: what is printed');
print('has our own styles where there is colour, and no other sequence', () => {
  const styles = ['bold', 'dim', 'red', 'green', 'yellow', 'cyan'] as const;
  const lines = (output: Output): string[] => [
    styles.map((style) => output.paint(style, style)).join(''),
    // conceal, blink, reverse, colours of the background, a move, a title
    'a\u001b[8mb\u001b[5mc\u001b[7md\u001b[40me\u001b[2Jf\u001b[3Cg\u001b]0;h\u0007',
  ];
  assert.is(
    printed(true, lines),
    '\u001b[1mbold\u001b[0m\u001b[2mdim\u001b[0m\u001b[31mred\u001b[0m\u001b[32mgreen\u001b[0m\u001b[33myellow\u001b[0m\u001b[36mcyan\u001b[0m\n' +
      'a?[8mb?[5mc?[7md?[40me?[2Jf?[3Cg?]0;h?\n',
  );
  assert.is(printed(false, lines).includes('\u001b'), false);
});
print('takes no style out of a text that is painted', () => {
  const lines = (output: Output): string[] => [output.paint('a\u001b[32mb', 'red')];
  assert.is(printed(true, lines), '\u001b[31ma?[32mb\u001b[0m\n');
});
print.run();
