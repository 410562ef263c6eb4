// What signed commands cost on the C host. Its command line: what is to be done, and how often; prints one line of JSON.
//
//   nothing           for comparison: `rss_kb` before anything is done
//   sign, verify      so many signatures: `ms`
//   flood             so many messages to a desk within a second of its clock: `ms` together, `longest_ms` of one, `checked` signatures
//   desk              a desk that takes so many good commands: `rss_kb`

import native from 'native';
import { createHost } from '../../src/host/host.ts';
import { decodeUtf8 } from '../../src/lib/utf8.ts';
import { Bench, command, MemoryJournal, NODE, OPERATOR, SID, STRANGER } from '../support/command.ts';

const host = createHost(native);
const [what = '', times = '1'] = host.args;
const count = Number(times);
const { crypto } = host;

function residentKb(): number {
  const status = decodeUtf8(host.files.read('/proc/self/status', 65_536)!);
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)![1]);
}

function timed(work: () => void): number {
  const begunMs = native.monotonicMs();
  work();
  return native.monotonicMs() - begunMs;
}

async function run(): Promise<object> {
  const message = new Uint8Array(400).fill(7);
  const seed = new Uint8Array(32).fill(1);
  if (what === 'sign' || what === 'verify') {
    const [key, signature] = [crypto.ed25519Public(seed), crypto.ed25519Sign(seed, message)];
    const once =
      what === 'sign' ? () => crypto.ed25519Sign(seed, message) : () => crypto.ed25519Verify(key, message, signature);
    return {
      ms: timed(() => {
        for (let i = 0; i < count; i++) once();
      }),
    };
  }
  if (what === 'flood') {
    const forger = { key: OPERATOR.key, sign: STRANGER.sign };
    const kinds = [
      command({}, [forger]),
      command({ aud: { node: NODE, sid: 'ddddeeeeffff' } }, [forger]),
      command({}, [STRANGER]),
      command({ args: { text: 'x'.repeat(7500) } }, [forger]),
      new Uint8Array(8192).fill(0x7b),
    ];
    const bench = new Bench({ journal: new MemoryJournal() });
    let longestMs = 0;
    let ms = 0;
    for (let i = 0; i < count; i++) {
      if (i % Math.ceil(count / 100) === 0) await bench.clock.advance(10);
      const tookMs = timed(() => bench.desk.take(kinds[i % kinds.length]!, false));
      ms += tookMs;
      longestMs = Math.max(longestMs, tookMs);
    }
    return { ms, longest_ms: longestMs, checked: bench.checks };
  }
  if (what === 'desk') {
    const bench = new Bench({ journal: new MemoryJournal() });
    for (let i = 0; i < count; i++) {
      await bench.take(command({ aud: { node: NODE, sid: SID } }));
      await bench.clock.advance(1000);
    }
    return { rss_kb: residentKb(), done: bench.done.length };
  }
  return { rss_kb: residentKb() };
}

host.print(`${JSON.stringify(await run())}\n`);
host.exit(0);
