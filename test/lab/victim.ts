// A program with a lab, for the test to kill: tells the processes of its lab, then waits.

import { ensureYggdrasil } from '../../build/yggdrasil.ts';
import { startLab } from '../../src/dev/lab.ts';

const [directory = '', where] = process.argv.slice(2);
const lab = await startLab({
  nodes: 2,
  directory,
  yggdrasil: await ensureYggdrasil(() => {}),
  namespaces: where === 'namespaces',
  log: () => {},
});
const pids = lab.nodes.flatMap((node) => [node.pid, node.namespace?.pid ?? node.pid]);
process.stdout.write(`${JSON.stringify(pids)}\n`);
setInterval(() => {}, 1000);
