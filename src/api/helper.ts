// The contract between the daemon, which is nobody special, and its helper, which is root: the ubus object `meshbridge.helper`.
//
// The helper is a program of its own that rpcd starts for each call and that ends with it. Only root and the daemon's user may
// call it (ubusd's ACL), it knows these verbs and no others, and it believes nothing that the daemon says: it refuses arguments that are
// not named here, too.

import { FINDING, type Shape, type TableLayout } from './model.ts';
import type { MethodContract } from './objects.ts';

/** Path of the helper's object on ubus. */
export const HELPER_OBJECT = 'meshbridge.helper';

/** A peering as `/etc/config/network` has it: URI, and the network device that it is bound to. */
export const CONFIGURED_PEER = { uri: 'string', 'device?': 'string' } as const satisfies TableLayout;

/** One interface of proto yggdrasil in `/etc/config/network`; its private key stays there. */
export const CONFIGURED_INTERFACE = {
  interface: 'string',
  peers: [CONFIGURED_PEER],
  /** What the node is told to say of itself: the text of its JSON. */
  'node_info?': 'string',
} as const satisfies TableLayout;
export type ConfiguredInterface = Shape<typeof CONFIGURED_INTERFACE>;

/** One verb. Its arguments are texts: rpcd is told of types by examples, and nothing else is needed. */
interface VerbContract extends MethodContract {
  readonly args: Readonly<Record<string, 'string'>>;
}

const PEERING = { interface: 'string', uri: 'string', 'device?': 'string' } as const;

/** The helper's verbs. A verb that fails answers with FAILURE (`error`, and `field?`) instead of its reply, and status 0. */
export const HELPER_METHODS = {
  /** What `/etc/config/network` says of Yggdrasil; empty when there is no such file. */
  network_read: { args: {}, reply: { 'interfaces?': [CONFIGURED_INTERFACE] } },
  /** Writes a peering of an interface of protocol yggdrasil into it; `result` is `added` or `present`. */
  peer_keep: { args: PEERING, reply: { result: 'string' }, writes: true },
  /** Takes a peering out of it; `result` is `removed` or `absent`. */
  peer_forget: { args: PEERING, reply: { result: 'string' }, writes: true },
  /** Copies `/etc/config/meshbridge` to where the daemon may read it; where there is none, removes the copy. */
  config_publish: { args: {}, reply: {}, writes: true },
  /** What is unsafe or broken in the router's configuration. */
  lint: { args: {}, reply: { findings: [FINDING] } },
} as const satisfies Record<string, VerbContract>;
export type HelperVerb = keyof typeof HELPER_METHODS;
