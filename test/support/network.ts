// What labs with namespaces and rules need of this machine.

import { ensureNetworkPrograms } from '../../build/network-programs.ts';
import { namespaceProblem } from '../../src/dev/lab/namespace.ts';
import { errorText } from '../../src/errors.ts';

/** Why there is no such lab here; `undefined`: there can be one, and the programs that it takes (nft, conntrack, dnsmasq, tcpdump, wg) are on PATH. */
export async function networkProblem(): Promise<string | undefined> {
  const problem = await namespaceProblem();
  if (problem !== undefined) return problem;
  try {
    process.env.PATH = await ensureNetworkPrograms((line) => console.log(line));
    return undefined;
  } catch (error) {
    return errorText(error);
  }
}
