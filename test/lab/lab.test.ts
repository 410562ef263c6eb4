import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inProject } from '../../build/project.ts';
import { ensureYggdrasil } from '../../build/yggdrasil.ts';
import { findProgram } from '../../src/dev/child.ts';
import { namespaceProblem } from '../../src/dev/lab/namespace.ts';
import { type Lab, type LabNode, startLab } from '../../src/dev/lab.ts';

interface PeerEntry {
  remote: string;
  up: boolean;
  inbound: boolean;
  key: string;
}

/** One admin request on a connection of its own. */
function request<T>(node: LabNode, name: string): Promise<T> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(node.socket, () => socket.write(JSON.stringify({ request: name })));
    socket.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    socket.once('error', reject);
    socket.once('close', () => resolve((JSON.parse(text) as { response: T }).response));
  });
}

async function until(what: string, test: () => boolean | Promise<boolean>, limitMs = 10_000): Promise<void> {
  const deadlineMs = performance.now() + limitMs;
  while (!(await test())) {
    if (performance.now() > deadlineMs) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
}

function processes(lab: Lab): number[] {
  return lab.nodes.flatMap((node) => [node.pid, node.namespace?.pid]).filter((pid) => pid !== undefined);
}

const upPeers = async (node: LabNode): Promise<PeerEntry[]> =>
  (await request<{ peers: PeerEntry[] }>(node, 'getPeers')).peers.filter((peer) => peer.up);

const yggdrasil = await ensureYggdrasil((line) => console.log(line)).catch((error: Error) => {
  console.log(`skipped: the lab with real nodes: ${error.message}`);
  return undefined;
});
const problem = await namespaceProblem();
if (problem) console.log(`skipped: the lab in namespaces: ${problem}`);

const refusals = suite('startLab');
const REFUSED = {
  'a lab without nodes': [{ nodes: 0 }, /1 to 26 nodes, not 0/],
  'more nodes than letters': [{ nodes: 27 }, /1 to 26 nodes, not 27/],
  'a directory too long for sockets': [
    { directory: `/tmp/${'x'.repeat(100)}` },
    /too long for a unix socket, at most 107/,
  ],
} as const;
for (const [what, [wrong, message]] of Object.entries(REFUSED))
  refusals(`refuses ${what}`, async () => {
    const options = { nodes: 1, directory: '/tmp', yggdrasil: '/none', namespaces: false, log: () => {}, ...wrong };
    await startLab(options).then(
      () => assert.unreachable(),
      (error: Error) => assert.match(error.message, message),
    );
  });
refusals.run();

for (const where of ['loopback', 'namespaces'] as const) {
  const namespaces = where === 'namespaces';
  const directory = mkdtempSync(join(tmpdir(), 'meshbridge-lab-'));
  const options = { nodes: 3, directory, yggdrasil: yggdrasil ?? '', namespaces, log: () => {} };
  const lab = suite(`startLab, ${where}`);
  const test = yggdrasil && !(namespaces && problem) ? lab : lab.skip;
  let running: Lab;

  test('peers every node with the two others', async () => {
    running = await startLab(options);
    assert.is(running.isIsolated, namespaces);
    for (const node of running.nodes) {
      const others = running.nodes.filter((other) => other !== node).map((other) => other.key);
      await until(`${node.name} has both peers`, async () => {
        const keys = (await upPeers(node)).map((peer) => peer.key);
        return others.every((key) => keys.includes(key));
      });
      assert.is((await request<{ address: string }>(node, 'getSelf')).address, node.address);
    }
    const kinds = (await upPeers(running.node('a'))).map((peer) => peer.remote.slice(0, 12)).join(' ');
    assert.match(kinds, namespaces ? /tls:\/\/\[fe80/ : /tcp:\/\/127\./);
    assert.match(kinds, namespaces ? /tls:\/\/10\.77/ : /tls:\/\/127\./);
  });

  test('refuses a second lab in the same directory and leaves the first alone', async () => {
    await startLab(options).then(
      () => assert.unreachable(),
      (error: Error) => assert.is(error.message, `lab: ${directory}: another lab is running there`),
    );
    assert.ok(existsSync(running.node('a').socket));
  });

  test('gives a restarted node its address back', async () => {
    const b = running.node('b');
    const pid = b.pid;
    await b.kill();
    assert.is(b.pid, undefined);
    assert.ok(existsSync(b.socket), '~> as after a crash');
    await b.restart();
    assert.is.not(b.pid, pid);
    assert.is((await request<{ address: string }>(b, 'getSelf')).address, b.address);
  });

  test('cuts a link in silence and joins it again', async () => {
    const b = running.node('b');
    const link = running.links.find((l) => l.from === 'b' && l.to === 'c');
    assert.ok(link);
    const hasPeer = async (): Promise<boolean> =>
      (await upPeers(b)).some((p) => p.remote.startsWith('tcp://') && !p.inbound);
    await until('b has c', hasPeer);
    await running.cutLink('c', 'b');
    assert.ok(running.isCut(link));
    assert.ok(await hasPeer(), '~> goes on claiming it');
    if (namespaces) {
      const reach = ['timeout', '0.5', 'bash', '-c', 'exec 3<>/dev/tcp/10.77.1.2/9001'];
      const [command = '', ...args] = b.namespace?.command(reach) ?? [];
      assert.is(spawnSync(command, args).status, 124, '~> not refused, not unreachable: silence');
      const [inside = '', ...show] = b.namespace?.command([findProgram('ip') ?? 'ip', 'link', 'show', 'eth-c']) ?? [];
      assert.match(execFileSync(inside, show).toString(), /LOWER_UP/);
    }
    await running.joinLink('b', 'c');
    assert.not.ok(running.isCut(link));
    await until('b has c again', hasPeer);
    assert.throws(() => running.node('z'), /no node z/);
  });

  test('leaves no process and no file but the keys', async () => {
    const pids = processes(running);
    assert.is(pids.length, namespaces ? 6 : 3);
    const key = running.node('a').key;
    await running.close();
    assert.equal(pids.filter(isAlive), []);
    assert.equal(readdirSync(directory), ['keys.json']);
    const again = await startLab({ ...options, nodes: 1 });
    assert.is(again.node('a').key, key, '~> the same node at the next start');
    await again.close();
  });

  test('survives being killed: nothing runs on, and the next lab starts', async () => {
    const victim = spawn(process.execPath, [inProject('build/run.mjs'), 'test/lab/victim.ts', directory, where]);
    const pids = await new Promise<number[]>((resolve, reject) => {
      victim.stdout.once('data', (line: Buffer) => resolve(JSON.parse(line.toString()) as number[]));
      victim.once('exit', (code) => reject(new Error(`the victim ended early: ${code}`)));
    });
    assert.ok(pids.every(isAlive));
    const ended = new Promise((resolve) => victim.once('exit', resolve));
    victim.kill('SIGKILL');
    await ended;
    if (findProgram('setpriv')) await until('its processes are gone', () => !pids.some(isAlive), 3000);
    const next = await startLab({ ...options, nodes: 2 });
    assert.equal(pids.filter(isAlive), []);
    await next.close();
    assert.equal(readdirSync(directory), ['keys.json']);
  });

  lab.after(async () => {
    await running?.close();
    rmSync(directory, { recursive: true, force: true });
  });
  lab.run();
}
