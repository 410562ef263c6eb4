// Our entries of LuCI's menu, as a tree, and which view each path shows.

/** The session that our pages run in. */
export const SESSION = '0123456789abcdef0123456789abcdef';

interface Entry {
  title: string;
  order: number;
  action: { type: string; path?: string };
}
/** One level of the menu, as LuCI's server sends it to its client. */
export interface MenuTree {
  [name: string]: Entry & { satisfied: true; readonly: boolean; children?: MenuTree };
}

/** Below `admin`: the entries of a file of menu.d, those of one level under their parents. */
export function parseMenu(text: string): MenuTree {
  const entries: Record<string, Entry> = JSON.parse(text);
  const tree: MenuTree = {};
  for (const [key, { title, order, action }] of Object.entries(entries)) {
    const [parent, child] = key.split('/').slice(1);
    const node = { title, order, action, satisfied: true, readonly: true } as const;
    if (child === undefined) tree[parent!] = { ...node, children: {} };
    else tree[parent!]!.children![child] = node;
  }
  return tree;
}

/** The view of a path such as `admin/mesh/status`; `undefined`: there is none. */
export function viewOf(tree: MenuTree, path: readonly string[]): string | undefined {
  const [admin, parent, child] = path;
  if (admin !== 'admin' || path.length !== 3) return undefined;
  return tree[parent!]?.children?.[child!]?.action.path;
}
