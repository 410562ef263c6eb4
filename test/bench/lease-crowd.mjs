// Many homes that ask one gateway for leases over real connections, each from its own address. Told by arguments: address and port of the
// gateway, file with the homes, how many ask at the same time. Prints how long each answer took.

import { readFileSync } from 'node:fs';
import { request } from 'node:http';

const [host, port, file, atOnce] = process.argv.slice(2);
const homes = JSON.parse(readFileSync(file, 'utf8'));
const BUSY = new Set([429, 503]);

/** One question of one home, on a connection of its own. */
function ask({ address, key }) {
  const body = JSON.stringify({ key, kinds: ['vxlan'], mesh_mtu: 65535, software: 'bench' });
  const startMs = performance.now();
  return new Promise((resolve, reject) => {
    const headers = { 'Content-Type': 'application/json', 'Content-Length': body.length };
    const asked = request(
      { host, port, localAddress: address, method: 'PUT', path: '/v1/lease', headers, agent: false },
      (answer) => {
        answer.resume().on('end', () => resolve({ status: answer.statusCode, tookMs: performance.now() - startMs }));
      },
    );
    asked.on('error', reject);
    asked.end(body);
  });
}

const took = [];
let retries = 0;
const queue = [...homes];
const startMs = performance.now();
await Promise.all(
  Array.from({ length: Number(atOnce) }, async () => {
    for (let home = queue.pop(); home; home = queue.pop()) {
      const { status, tookMs } = await ask(home);
      if (status === 200) took.push(tookMs);
      else if (BUSY.has(status)) {
        retries++;
        queue.unshift(home);
        await new Promise((resolve) => setTimeout(resolve, 100));
      } else throw new Error(`${home.address}: status ${status}`);
    }
  }),
);
took.sort((a, b) => a - b);
const at = (share) => took[Math.min(took.length - 1, Math.floor(share * took.length))];
console.log(
  JSON.stringify({
    seconds: (performance.now() - startMs) / 1000,
    p50: at(0.5),
    p99: at(0.99),
    count: took.length,
    retries,
  }),
);
