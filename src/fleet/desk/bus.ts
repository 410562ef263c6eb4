// The way from the desk's page to the daemon of this machine: its own socket, one question a connection. See src/ubus/local.ts.

import { connect } from 'node:net';
import { errorText } from '../../errors.ts';
import type { PageAnswer } from '../../page-host/ubus.ts';

/** The daemon serves eight at a time. */
const AT_ONCE = 4;
const ANSWER_MS = 30_000;
const MAX_ANSWER = 16 * 1024 * 1024;
/** As ubus numbers them, for what the socket tells apart by the argument at fault. */
const INVALID_ARGUMENT = 2;
const METHOD_NOT_FOUND = 3;
const UNKNOWN_ERROR = 9;

interface Said {
  data?: unknown;
  error?: unknown;
  field?: unknown;
}

/** Asks the daemon; a few questions at a time, the others in their order. */
export class LocalDaemon {
  private asking = 0;
  private readonly waiting: (() => void)[] = [];

  /** @param path of its socket. */
  constructor(private readonly path: string) {}

  /** Never rejects: who is not there is absent, who does not answer is silent. */
  async call(object: string, method: string, args: object): Promise<PageAnswer> {
    if (this.asking >= AT_ONCE) await new Promise<void>((resolve) => this.waiting.push(resolve));
    this.asking++;
    try {
      return answerOf(await this.ask(`${JSON.stringify({ object, method, args })}\n`));
    } catch (error) {
      return error instanceof Silence ? 'silent' : 'absent';
    } finally {
      this.asking--;
      this.waiting.shift()?.();
    }
  }

  private ask(question: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.path);
      const chunks: Buffer[] = [];
      let length = 0;
      const end = (error?: Error): void => {
        clearTimeout(timer);
        socket.destroy();
        if (error) reject(error);
      };
      const timer = setTimeout(() => end(new Silence('no answer in time')), ANSWER_MS);
      socket.on('connect', () => socket.write(question));
      socket.on('error', end);
      socket.on('data', (chunk: Buffer) => {
        length += chunk.length;
        if (length > MAX_ANSWER) end(new Silence(`an answer of more than ${MAX_ANSWER} bytes`));
        else chunks.push(chunk);
      });
      socket.on('close', () => {
        end();
        const text = Buffer.concat(chunks).toString('utf8');
        if (text.endsWith('\n')) resolve(text);
        else reject(new Silence('the connection ended before the answer did'));
      });
    });
  }
}

/** It is there, and says nothing that can be used. */
class Silence extends Error {}

function answerOf(text: string): PageAnswer {
  let said: Said;
  try {
    said = JSON.parse(text);
  } catch (error) {
    throw new Silence(errorText(error));
  }
  const { data, error, field } = said;
  if (Array.isArray(data)) return { status: 0, ...(typeof data[0] === 'object' && { reply: data[0] as object }) };
  if (typeof error !== 'string') throw new Silence('neither an answer nor a refusal');
  if (field === 'object') return 'absent';
  if (field === 'method') return { status: METHOD_NOT_FOUND };
  const status = field === undefined ? UNKNOWN_ERROR : INVALID_ARGUMENT;
  return { status, reply: { error, ...(typeof field === 'string' && { field }) } };
}
