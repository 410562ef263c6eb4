// What the login of this page may do: by rpcd's access groups, for LuCI's own mark `readonly` knows only the page's first group.
// Source: rpcd, session.c and uci.c (scope `access-group`).

import rpc from 'luci:rpc';

export interface Rights {
  /** May add, try and remove peerings, until a restart. */
  operate: boolean;
  /** May change what lasts: the router's configuration. */
  operator: boolean;
}

const readAccess = rpc.declare<[string, string, string], { access?: boolean }>({
  object: 'session',
  method: 'access',
  params: ['scope', 'object', 'function'],
  reject: true,
});

async function mayWrite(group: string): Promise<boolean> {
  try {
    return (await readAccess('access-group', group, 'write')).access === true;
  } catch {
    return false;
  }
}

/** Asks for the rights of this login; what cannot be told is none. Never rejects. */
export async function readRights(): Promise<Rights> {
  const [operate, operator] = await Promise.all(
    ['luci-app-meshbridge-operate', 'luci-app-meshbridge-operator'].map(mayWrite),
  );
  return { operate: operate!, operator: operator! };
}
