// What makes a home's tunnels and routes: root's helper where there is ubus, else this program itself. With it, who watches the kill switch.
// In memory only where leases are wanted.

import type { LeaseConfig } from './lease-option.ts';
import type { Log } from './log.ts';
import type { RoutePlane, TunnelPlane } from './mesh/tunnel.ts';
import { RESOLVER_FILES } from './plane/dns.ts';
import { KernelHome } from './plane/home.ts';
import { HostMachine, type MachineHost, readKnob } from './plane/machine.ts';
import { HomeWatch } from './plane/watch.ts';
import type { HelperCaller } from './system/helper.ts';
import { switchLease } from './system/lease-switch.ts';
import { RootPlane } from './system/root-plane.ts';
import type { ChildlessHost } from './transport/host.ts';

/** Where this program may make them itself. */
export interface OwnMachine {
  machine(): Promise<MachineHost>;
  /** Directory in RAM, and one that stays. */
  readonly run: string;
  readonly flash: string;
  /** As it is now. */
  config(): LeaseConfig | undefined;
  /** Path of the daemon's configuration, where it is written down whether leases are in use. */
  readonly configPath: string;
}

export interface HomePlanesParts {
  readonly host: Pick<ChildlessHost, 'streams' | 'clock' | 'files'>;
  /** Who makes them: root's helper, or this program. */
  readonly by: HelperCaller | OwnMachine;
  readonly log: Log;
}

/** Tunnels and routes of a home, watched. */
export interface WatchedPlanes {
  readonly tunnels: TunnelPlane;
  readonly routes: RoutePlane;
  /** The configuration is another one: what follows from it is made anew. */
  refresh(): void;
  /** Ends the watch; everything stays as it is. */
  stop(): void;
}

/** Makes them. @throws (rejects) Error where this program can make no tunnels */
export async function homePlanes(parts: HomePlanesParts): Promise<WatchedPlanes> {
  const { host, by, log } = parts;
  const plane = 'call' in by ? new RootPlane(by, host.files) : await kernelHome(by);
  const restore = (): Promise<void> => plane.restore();
  const watch = new HomeWatch({ streams: host.streams, clock: host.clock, log, restore });
  return {
    tunnels: plane,
    routes: {
      use: (slot, terms) => plane.use(slot, terms),
      keep: (terms) => plane.keep(terms),
      async block(on) {
        if (!on) watch.stop();
        await plane.block(on);
        if (on) watch.start();
      },
      undo() {
        watch.stop();
        return plane.undo();
      },
    },
    refresh: () => watch.compare(),
    stop: () => watch.stop(),
  };
}

async function kernelHome({ machine, run, flash, config, configPath }: OwnMachine): Promise<KernelHome> {
  const host = await machine();
  const isResolving = readKnob(host.files, RESOLVER_FILES.servers) !== undefined;
  return new KernelHome({
    ...{ machine: new HostMachine(host), run, flash },
    remember: (enabled) => void switchLease(host.files, configPath, enabled),
    ...(isResolving && { resolver: RESOLVER_FILES }),
    settings: () => {
      // without OpenWrt, networks are devices
      const { networks: lan = ['lan'], bypass = [], interface: mesh, enabled = false } = config() ?? {};
      return { lan, bypass, enabled, ...(mesh !== undefined && { mesh }) };
    },
  });
}
