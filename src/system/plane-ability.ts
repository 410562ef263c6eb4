// What tunnels root's helper can make, as it answers to the daemon.

import { TUNNEL_KINDS, type TunnelKind } from '../api/lease.ts';
import type { TunnelAbility } from '../mesh/tunnel.ts';
import type { HelperReply } from './helper.ts';

/** The model of a reply; kinds that this daemon does not know are left out. */
export function readAbility(reply: HelperReply<'tunnel_ability'>): TunnelAbility {
  const { kinds, mesh_mtu: meshMtu, wireguard_key: wireguardKey } = reply;
  return {
    kinds: kinds.flatMap(({ kind, problem }) => {
      const known = TUNNEL_KINDS.find((one): one is TunnelKind => one === kind);
      return known ? [{ kind: known, ...(problem !== undefined && { problem }) }] : [];
    }),
    meshMtu,
    ...(wireguardKey !== undefined && { wireguardKey }),
  };
}
