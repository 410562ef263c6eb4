// Questions to the person at the terminal: a secret that is not shown, or a yes.

import { StringDecoder } from 'node:string_decoder';
import type { ReadStream } from 'node:tty';
import { Failure } from './failure.ts';

/** Longest answer, in characters. */
const MAX_LENGTH = 1024;
const ENTER = /[\r\n]/;
const INTERRUPTS = '\u0003\u0004';
const ERASERS = '\b\u007f';

/** Whom it asks; with no terminal, nobody. */
export interface Prompt {
  /** A line of text that is not shown. @throws Failure without a terminal, or when the person gives up. */
  secret(question: string): Promise<string>;
  /** Whether the answer is `yes` in full. @throws Failure without a terminal. */
  confirm(question: string): Promise<boolean>;
}

/** Asks at a terminal. `input` must be one, else every question fails with what can be done instead. */
export function terminalPrompt(input: ReadStream, print: (text: string) => void): Prompt {
  return {
    secret: (question) => ask(input, print, question, false),
    confirm: async (question) => (await ask(input, print, `${question} (yes/no) `, true)).trim() === 'yes',
  };
}

function ask(input: ReadStream, print: (text: string) => void, question: string, isShown: boolean): Promise<string> {
  if (!input.isTTY)
    throw new Failure(
      'usage',
      `${question.trim()}: there is no terminal to ask at`,
      'An option or a variable can say it: see --help.',
    );
  print(question);
  return new Promise((resolve, reject) => {
    const decoder = new StringDecoder('utf8');
    let text = '';
    const end = (): void => {
      input.off('data', onData);
      input.setRawMode(false);
      input.pause();
      print('\n');
    };
    const onData = (chunk: Buffer): void => {
      for (const char of decoder.write(chunk)) {
        if (INTERRUPTS.includes(char)) {
          end();
          reject(new Failure('failed', 'ended by the person at the terminal'));
          return;
        }
        if (ENTER.test(char)) {
          end();
          resolve(text);
          return;
        }
        if (ERASERS.includes(char)) {
          if (isShown && text !== '') print('\b \b');
          text = [...text].slice(0, -1).join('');
        } else if (char >= ' ' && text.length < MAX_LENGTH) {
          text += char;
          if (isShown) print(char);
        }
      }
    };
    input.setRawMode(true);
    input.on('data', onData);
    input.resume();
  });
}
