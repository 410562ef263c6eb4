// Takes an interface of OpenWrt down and up again, as `ifup` does.

import { callUbus, type UbusProgramHost } from './ubus-program.ts';

/** Restarts an interface. @throws Error when netifd does not do it; an interface that does not come up again is named as down. */
export async function restartInterface(host: UbusProgramHost, name: string): Promise<void> {
  await callUbus(host, 'network.interface', 'down', { interface: name });
  try {
    await callUbus(host, 'network.interface', 'up', { interface: name });
  } catch (cause) {
    throw new Error(`${name}: down now, run: ifup ${name}`, { cause });
  }
}
