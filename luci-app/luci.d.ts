// What LuCI's client gives to a page, as far as our pages use it.
//
// Its traps do not compile: a bare string as content, which it would parse as HTML; a null in a list, which it prints; a boolean
// attribute, which it sets even when false; a call without `reject: true`, whose failures look like empty answers.
// Source: luci-base, resources/luci.js and rpc.js.

/** A string in a list becomes a text node. */
type LuciChild = Node | string | number;

interface LuciAttributes {
  /** `null` leaves the attribute out; a function is a listener for the event of that name. */
  [name: string]: string | number | null | ((event: Event) => void);
  /** A handler as text would be run. */
  [handler: `on${string}`]: never;
}

/** Makes an element. */
declare function E<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  children?: readonly LuciChild[],
): HTMLElementTagNameMap[K];
declare function E<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: LuciAttributes,
  children?: readonly LuciChild[],
): HTMLElementTagNameMap[K];

declare module 'luci:view' {
  /** A page without a form has none of LuCI's three buttons. */
  interface Page {
    handleSave: null;
    handleSaveApply: null;
    handleReset: null;
    /** Called once; what it returns replaces LuCI's "Loading view". */
    render(): Node;
  }
  /** What a view file must return. */
  export interface ViewClass {
    readonly isViewClass: unique symbol;
  }
  const view: { extend(page: Page): ViewClass };
  export default view;
}

declare module 'luci:rpc' {
  interface Call {
    object: string;
    method: string;
    /** Names of the positional arguments; one that is undefined is not sent. */
    params?: readonly string[];
    /** Rejects on a ubus status other than 0, not only on errors of JSON-RPC. */
    reject: true;
    /** Sends it at once instead of with the other calls of this frame, of which each waits for those before it. */
    nobatch?: true;
  }
  const rpc: { declare<Args extends unknown[], Reply>(call: Call): (...args: Args) => Promise<Reply> };
  export default rpc;
}

declare module 'luci:poll' {
  /** Calls `work` each time `seconds` have passed, unless its last promise is pending. Must not throw: it would not be called again. */
  const poll: { add(work: () => Promise<void>, seconds: number): boolean };
  export default poll;
}
