// Small programs for the C host, one of which runs: the one named by the first argument. What they print is looked at by native-c.test.ts.

import native from 'native';
import { READABLE, WRITABLE } from '../../src/host/native.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/lib/utf8.ts';

const [name = '', argument = ''] = native.args();

function say(...words: unknown[]): void {
  native.print(`${words.join(' ')}\n`);
}

/** Prints what a call throws, or that it throws nothing. */
function attempt(call: () => unknown): void {
  try {
    call();
    say('nothing thrown');
  } catch (error) {
    say(String(error));
  }
}

function later(callback: () => void): void {
  native.onWake(callback);
  native.wakeAt(0);
}

/** Two ends of one connection over a unix socket. */
function pair(): [number, number] {
  const path = `@meshbridge-test-${new Uint8Array(native.randomBytes(8)).join('')}`;
  const server = native.listenUnix(path);
  const near = native.connectUnix(path);
  const far = native.accept(server)!;
  native.close(server);
  return [near, far];
}

/** Calls back after so many turns of the loop. */
function afterTurns(turns: number, callback: () => void): void {
  later(() => (turns > 0 ? afterTurns(turns - 1, callback) : callback()));
}

const programs: Record<string, () => unknown> = {
  nothing() {
    say('done');
  },
  'throws in a callback': () => {
    later(function wake() {
      throw new TypeError('wrong');
    });
  },
  'throws at the top': () => {
    throw new Error('at once');
  },
  'rejects unheard': () => {
    later(() => void Promise.reject(new Error('unheard')));
  },
  'rejects and is heard': () => {
    later(() => {
      const rejected = Promise.reject(new Error('heard'));
      void Promise.resolve().then(() => rejected.catch((error: Error) => say(error.message)));
    });
  },
  'throws what is no error': () => {
    later(() => {
      throw 'a text';
    });
  },
  'waits for ever': () => new Promise(() => {}),
  'takes too much memory': () => {
    const all: unknown[] = [];
    for (;;) all.push({ text: `${'x'.repeat(1000)}${all.length}` });
  },
  'takes too much memory at once': () => new ArrayBuffer(64 * 1024 * 1024),
  'recurses without end': () => {
    const deeper = (n: number): number => deeper(n + 1) + 1;
    attempt(() => deeper(0));
    attempt(() => JSON.parse('['.repeat(100_000)));
    say('alive');
  },
  'compiles text': () => {
    // biome-ignore lint/security/noGlobalEval: that there is none is what is tested
    attempt(() => eval('1'));
    attempt(() => new Function('return 1')());
  },
  exits() {
    later(() => {
      native.exit(7);
      say('still here');
    });
  },
  'opens a socket'() {
    native.removeFile(argument);
    const fd = native.listenUnix(argument);
    native.writeFile(`${argument}.fd`, encodeUtf8(String(fd)).buffer as ArrayBuffer, 0, String(fd).length, 0o600);
  },
  'waits for a signal'() {
    native.wakeAt(native.monotonicMs() + 60_000);
    say('ready');
  },
  'answers signals'() {
    const seen: number[] = [];
    native.onSignal((signal) => {
      seen.push(signal);
      if (seen.length === 4) {
        say(seen.sort((a, b) => a - b));
        native.exit(0);
      }
    });
    native.wakeAt(native.monotonicMs() + 60_000);
    say('ready');
  },
  'prints to nobody': () => {
    try {
      for (;;) native.print('x'.repeat(4096));
    } catch (error) {
      native.log(String(error));
    }
  },
  'misuses descriptors': () => {
    const [near, far] = pair();
    const bytes = new ArrayBuffer(8);
    attempt(() => native.read(0, 10));
    attempt(() => native.close(999));
    attempt(() => native.watch(near, 4, () => {}));
    attempt(() => native.watch(near, READABLE));
    attempt(() => native.write(near, bytes, 4, 5));
    attempt(() => native.write(near, bytes, -1, 1));
    attempt(() => native.write(near, {} as ArrayBuffer, 0, 0));
    attempt(() => native.read(near, 0));
    native.close(near);
    attempt(() => native.close(near));
    attempt(() => native.write(far, bytes, 0, 8));
    attempt(() => native.connectTcp('', 1));
    attempt(() => native.connectTcp('localhost', 1));
    attempt(() => native.connectTcp('::1', 0));
    attempt(() => native.readFile('/etc/passwd\0', 10));
    attempt(() => native.spawn([]));
    attempt(() => native.spawn(['true', { toString: () => native.exit } as unknown as string]));
    attempt(() => native.wakeAt(Number.NaN));
    attempt(() => native.exit(256));
  },
  'counts callbacks of what is closed': () => {
    const [near, far] = pair();
    const [other, end] = pair();
    const path = `@meshbridge-test-${native.unixMs()}-${far}`;
    const server = native.listenUnix(path);
    const counts = { near: 0, other: 0, never: 0 };
    native.watch(near, WRITABLE, (events) => {
      counts.near++;
      say('hang-up', events);
      native.watch(near, 0);
    });
    native.watch(other, READABLE, () => {
      counts.other++;
      native.close(other);
      // takes the number, but not the readiness that was told of its former owner
      let next = 0;
      while (next < other) next = native.connectUnix(path);
      say('same number', next === other);
      native.watch(next, READABLE, () => counts.never++);
    });
    native.watch(server, WRITABLE, () => {});
    native.close(far);
    native.close(end);
    afterTurns(20, () => {
      say(counts.near, counts.other, counts.never);
      native.exit(0);
    });
  },
  'tells of each turn while data waits': () => {
    const [near, far] = pair();
    native.write(far, encodeUtf8('abc').buffer as ArrayBuffer, 0, 3);
    let text = '';
    native.watch(near, READABLE, () => {
      text += decodeUtf8(new Uint8Array(native.read(near, 1)!));
      if (text.length === 3) {
        say(text);
        native.close(near);
        native.close(far);
      }
    });
  },
  'hears of a child that has ended'() {
    const { pid, stdout } = native.spawn(['sh', '-c', 'exit 5']);
    native.watch(stdout, READABLE, () => {
      native.close(stdout); // it has ended, or is about to
      native.onWake(() => native.onChildExit((ended, status) => say(ended === pid, status)));
      native.wakeAt(native.monotonicMs() + 50);
    });
  },
  'shows what a child inherits'() {
    pair();
    native.onSignal(() => {});
    const { stdout } = native.spawn([
      'sh',
      '-c',
      'for fd in /proc/$$/fd/*; do readlink $fd; done; sed -n "s/^Sig\\(Blk\\|Ign\\):\\s*//p" /proc/self/status',
    ]);
    let text = '';
    native.watch(stdout, READABLE, () => {
      const bytes = native.read(stdout, 1000);
      if (bytes) text += decodeUtf8(new Uint8Array(bytes));
      else if (bytes === null) {
        native.print(text);
        native.exit(0);
      }
    });
  },
  'abandons names'() {
    attempt(() => {
      for (;;) native.close(native.resolve('localhost'));
    });
    native.exit(0);
  },
  'abandons names and waits'() {
    let left = 200;
    const next = (): void => {
      try {
        for (; left > 0; left--) native.close(native.resolve('localhost'));
        say('done');
      } catch {
        native.wakeAt(native.monotonicMs() + 1); // their places become free when they have ended
      }
    };
    native.onWake(next);
    next();
  },
};

await programs[name]!();
