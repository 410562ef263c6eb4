// Our entries of LuCI's menu as a tree: which of them a login sees, and which view each shows.
// Source: luci-base, ucode/dispatcher.uc.

import type { Access } from './access.ts';

interface Entry {
  title: string;
  order: number;
  action: { type: string; path?: string };
  depends?: { acl?: readonly string[] };
}
/** One level of the menu, as LuCI's server sends it to its client. */
export interface MenuTree {
  [name: string]: MenuNode;
}
export interface MenuNode {
  title: string;
  order: number;
  action: { type: string; path?: string };
  satisfied: true;
  /** No group that it depends on gives the login a right to write. */
  readonly: boolean;
  children?: MenuTree;
}

/** Below `admin`: the entries of a menu file that a login may see, those of one level under their parents. */
export function readMenu(file: string, access: Access): MenuTree {
  const entries: Record<string, Entry> = JSON.parse(file);
  const tree: MenuTree = Object.create(null);
  for (const [key, { title, order, action, depends }] of Object.entries(entries)) {
    const groups = depends?.acl ?? [];
    const has = (right: string): boolean => groups.some((group) => access.allows('access-group', group, right));
    if (groups.length > 0 && !has('read') && !has('write')) continue;
    const [parent, child] = key.split('/').slice(1);
    const node: MenuNode = { title, order, action, satisfied: true, readonly: groups.length > 0 && !has('write') };
    if (child === undefined) tree[parent!] = { ...node, children: Object.create(null) };
    else if (tree[parent!]) tree[parent!]!.children![child] = node;
  }
  return tree;
}

/** The node of a path such as `admin/mesh/overview`, which shows a view; `undefined`: there is none for this login. */
export function nodeOf(tree: MenuTree, path: readonly string[]): MenuNode | undefined {
  const [admin, parent, child] = path;
  if (admin !== 'admin' || path.length !== 3) return undefined;
  const node = tree[parent!]?.children?.[child!];
  return node?.action.type === 'view' ? node : undefined;
}

/** The paths that show views, in the order of the menu, with their titles. */
export function pagesOf(tree: MenuTree): { path: string; title: string }[] {
  const sorted = (level: MenuTree): [string, MenuNode][] =>
    Object.entries(level).sort(([, a], [, b]) => a.order - b.order);
  return sorted(tree).flatMap(([parent, { children = {} }]) =>
    sorted(children)
      .filter(([, { action }]) => action.type === 'view')
      .map(([child, { title }]) => ({ path: `admin/${parent}/${child}`, title })),
  );
}
