// netifd as far as the daemon and the pages ask it, played on the desk's broker: an Internet line that can be pulled out, a home network,
// and the desk's nodes as interfaces. Source: netifd, ubus.c and interface.c; a dump of OpenWrt 23.05.

import { nodeHost } from '../host/node/host.ts';
import { SILENT } from '../log.ts';
import { UbusClient } from '../ubus/client.ts';
import { Failure, type UbusObject } from '../ubus/object.ts';
import { UBUS_STATUS_NOT_FOUND } from '../ubus/status.ts';
import type { Stage, StageNode } from './stage.ts';

const WAN = 'wan';
const WAN_DEVICE = 'eth0';
const LAN = 'lan';
const LAN_DEVICE = 'br-lan';
/** Addresses for documentation. */
const ADDRESS = '192.0.2.17';
const GATEWAY = '192.0.2.1';

interface PlayedInterface {
  name: string;
  proto: string;
  device: string;
  up: boolean;
  /** Only while it is up. */
  more: object;
}

/** Its objects; `onChange` is told of each interface that goes up or down. */
export class PlayedNetifd {
  private readonly since = new Map<string, number>();
  private plugged = true;

  constructor(
    private readonly stage: Stage,
    private readonly nowMs: () => number,
    private readonly onChange: (name: string, up: boolean) => void,
  ) {}

  readonly objects: readonly UbusObject[] = [
    {
      path: 'network.interface',
      methods: {
        dump: { args: {}, handle: () => ({ interface: this.interfaces().map((one) => this.show(one)) }) },
        down: { args: { interface: 'string' }, handle: ({ interface: name }) => this.turn(String(name), false) },
        up: { args: { interface: 'string' }, handle: ({ interface: name }) => this.turn(String(name), true) },
      },
    },
    {
      path: 'network.device',
      methods: { status: { args: { name: 'string' }, handle: ({ name }) => this.device(String(name)) } },
    },
  ];

  /** Whether the Internet line is plugged in. */
  get isPlugged(): boolean {
    return this.plugged;
  }

  /** Plugs the Internet line in, or pulls it out. */
  plug(plugged: boolean): void {
    this.plugged = plugged;
    this.changed(WAN, plugged);
  }

  private interfaces(): PlayedInterface[] {
    const line = {
      'ipv4-address': [{ address: ADDRESS, mask: 24 }],
      route: [{ target: '0.0.0.0', mask: 0, nexthop: GATEWAY, source: `${ADDRESS}/32` }],
      'dns-server': [GATEWAY],
    };
    const home = { 'ipv4-address': [{ address: '192.168.1.1', mask: 24 }] };
    return [
      { name: LAN, proto: 'static', device: LAN_DEVICE, up: true, more: home },
      { name: WAN, proto: 'dhcp', device: WAN_DEVICE, up: this.plugged, more: line },
      ...this.stage.nodes.map((node) => ({
        name: node.iface,
        proto: 'yggdrasil',
        device: node.iface,
        up: node.isRunning,
        more: { 'ipv6-address': [{ address: node.address, mask: 7 }] },
      })),
    ];
  }

  private show({ name, proto, device, up, more }: PlayedInterface): object {
    if (!up) this.since.delete(name);
    else if (!this.since.has(name)) this.since.set(name, this.nowMs());
    const uptime = Math.floor((this.nowMs() - (this.since.get(name) ?? 0)) / 1000);
    const nothing = { 'ipv4-address': [], 'ipv6-address': [], route: [], 'dns-server': [] };
    return {
      interface: name,
      up,
      // it has no signal
      available: up,
      pending: false,
      autostart: true,
      proto,
      device,
      ...(up && { l3_device: device, uptime }),
      ...nothing,
      ...(up && more),
      data: {},
    };
  }

  private device(name: string): object | Failure {
    const known = this.interfaces().find(({ device }) => device === name);
    if (!known) return new Failure(UBUS_STATUS_NOT_FOUND, `${name}: no such device`);
    return { present: true, up: known.up, carrier: known.up };
  }

  private async turn(name: string, up: boolean): Promise<Failure | undefined> {
    const node: StageNode | undefined = this.stage.nodes.find(({ iface }) => iface === name);
    if (!node) return new Failure(UBUS_STATUS_NOT_FOUND, `${name}: the desk turns its nodes only`);
    if (node.isRunning !== up) await (up ? node.start() : node.kill());
    this.changed(name, up);
    return undefined;
  }

  private changed(name: string, up: boolean): void {
    if (!up) this.since.delete(name);
    this.onChange(name, up);
  }
}

/** Keeps a played netifd on the bus, whenever there is one. */
export function serveNetifd(socket: string, stage: Stage): { netifd: PlayedNetifd; stop(): void } {
  const { streams, clock } = nodeHost({ signals: false });
  const client = new UbusClient({ streams, clock, random: Math.random, path: socket, log: SILENT });
  const tell = (name: string, up: boolean): void => {
    const event = { action: up ? 'ifup' : 'ifdown', interface: name };
    // nobody hears it while there is no bus; then it is asked anew anyway
    client.send('network.interface', event).catch(() => {});
  };
  const netifd = new PlayedNetifd(stage, () => clock.monotonicMs(), tell);
  for (const object of netifd.objects) client.publish(object);
  client.start();
  return { netifd, stop: () => client.stop() };
}
