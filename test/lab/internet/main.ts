// `npm run lab`: a home, its line, two gateways and a fake Internet in network namespaces, with real daemons, real Yggdrasil and real traffic;
// `npm run lab -- --vm`: the same on Debian's kernel in a virtual machine, for the kinds of tunnels that this machine's kernel may lack.

import { parseArgs } from 'node:util';
import { inProject } from '../../../build/project.ts';
import { ensureVirtualMachine } from '../../../build/virtual-machine.ts';
import { TUNNEL_KINDS, type TunnelKind } from '../../../src/api/lease.ts';
import { errorText } from '../../../src/errors.ts';
import { runGuest } from '../../support/guest.ts';
import { runLab } from './lab.ts';
import { buildPrograms, findPrograms, LAB_BUNDLE, labProblem } from './program.ts';
import { LabReport } from './report.ts';
import { setPatience } from './until.ts';

const USAGE = `usage: npm run lab -- [options]

  --kind KIND  gre6, wireguard or vxlan; may be repeated. Without it vxlan, with --vm gre6 and wireguard
  --vm         in a virtual machine, in emulation: takes minutes
  --help       this text
`;
/** Emulation is so much slower; what is measured there is no figure to quote. */
const GUEST_PATIENCE = 8;
const GUEST_MB = 2048;
const GUEST_MS = 3_000_000;
/** What the lab takes of a kernel. */
const MODULES = [
  'tun',
  'veth',
  'bridge',
  'vxlan',
  'ip6_gre',
  'wireguard',
  'nf_tables',
  'nft_chain_nat',
  'nft_masq',
  'nft_ct',
  'nft_limit',
  'nft_connlimit',
  'nft_reject_inet',
  'nft_fib_inet',
  'nf_conntrack_netlink',
  'nf_flow_table_inet',
  'nft_flow_offload',
  'sch_netem',
  'sch_tbf',
  'sch_cake',
];

const print = (line: string): void => console.log(line);

async function runHere(kinds: readonly TunnelKind[]): Promise<boolean> {
  const programs = await findPrograms(print);
  const report = new LabReport(print);
  for (const kind of kinds) {
    print(`by ${kind}:`);
    await runLab({ ...programs, kind }, report, print);
  }
  report.end();
  return report.failed === 0;
}

async function runInGuest(kinds: readonly TunnelKind[]): Promise<boolean> {
  await findPrograms(print);
  const machine = await ensureVirtualMachine(print);
  print(`Debian's Linux ${machine.release} in emulation`);
  const env = {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/root',
    MESHBRIDGE_CACHE: process.env.MESHBRIDGE_CACHE ?? inProject('.cache'),
  };
  const argv = [
    process.execPath,
    '--enable-source-maps',
    LAB_BUNDLE,
    '--in-guest',
    ...kinds.flatMap((kind) => ['--kind', kind]),
  ];
  const status = await runGuest({
    machine,
    argv,
    env,
    modules: MODULES,
    memoryMb: GUEST_MB,
    limitMs: GUEST_MS,
    onLine: print,
  });
  if (typeof status === 'string') throw new Error(`the virtual machine: ${status}`);
  return status === 0;
}

/** Why there is no lab here; `undefined`: there can be one. */
async function problemHere(inVm: boolean): Promise<string | undefined> {
  if (!inVm) return labProblem();
  try {
    await ensureVirtualMachine(print);
    return undefined;
  } catch (error) {
    return errorText(error);
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      kind: { type: 'string', multiple: true },
      vm: { type: 'boolean', default: false },
      'in-guest': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return void process.stdout.write(USAGE);
  const kinds = values.kind ?? (values.vm ? ['gre6', 'wireguard'] : ['vxlan']);
  for (const kind of kinds)
    if (!(TUNNEL_KINDS as readonly string[]).includes(kind))
      throw new Error(`--kind: expected ${TUNNEL_KINDS.join(', ')}, got ${kind}`);
  if (values['in-guest']) setPatience(GUEST_PATIENCE);
  else {
    const problem = await problemHere(values.vm);
    if (problem !== undefined) {
      print(`skipped: the lab of the Internet${values.vm ? ' in a virtual machine' : ''}: ${problem}`);
      print('0 passed, 0 failed');
      return;
    }
    await buildPrograms();
  }
  const run = values.vm ? runInGuest : runHere;
  process.exitCode = (await run(kinds as TunnelKind[])) ? 0 : 1;
}

try {
  await main();
} catch (error) {
  console.error(`lab: ${errorText(error)}`);
  process.exitCode = 1;
}
// whatever a world that was not finished left running ends with us
process.exit();
