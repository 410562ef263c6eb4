// What the desk shows: the router's page Operator as it is built, the client that runs it, and its texts in other languages. A build puts them
// into the program.

import { Failure } from '../failure.ts';

/** What a browser loads. */
export interface DeskAssets {
  /** The view: `meshbridge/operator-0123abcd`. */
  view: string;
  /** By path below `/luci-static/resources`. */
  files: Readonly<Record<string, string>>;
  /** The script that runs it. */
  client: string;
  /** By language: each text by the hash of the English one. */
  translations: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

declare const MESHBRIDGE_DESK: DeskAssets | undefined;

/** @throws Failure where the program was not built with them. */
export function deskAssets(): DeskAssets {
  if (typeof MESHBRIDGE_DESK === 'undefined')
    throw new Failure(
      'failed',
      'this meshctl has no pages',
      'npm run meshctl:build makes one that has: dist/meshctl.mjs',
    );
  return MESHBRIDGE_DESK;
}
