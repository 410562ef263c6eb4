// What LuCI's client gives to a page, as far as our pages use it.
//
// Its traps do not compile: a bare string as content, which it would parse as HTML; a null in a list, which it prints; a boolean
// attribute, which it sets even when false; a call without `reject: true`, whose failures look like empty answers; a title of a form
// with something filled in; a type of value that it does not know, for then it checks nothing.
// Source: luci-base, resources/luci.js, rpc.js, uci.js, ui.js, form.js and validation.js.

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

/** What LuCI knows of itself. */
declare const L: {
  /** The address of a page: `L.url('admin/network/network')`. A part that is no plain path is left out. */
  url(...parts: string[]): string;
  /** The address of a file below LuCI's resources. */
  resource(...parts: string[]): string;
};

/** Of the build that made the page: the daemon that answers may be of another one. */
declare const MESHBRIDGE_VERSION: string;

/** The style sheet of that build, below LuCI's resources. */
declare const MESHBRIDGE_STYLE: string;

declare module 'luci:view' {
  /** A page without a form has none of LuCI's three buttons. */
  interface Page {
    handleSave: null;
    handleSaveApply: null;
    handleReset: null;
    /** Called once; what it returns replaces LuCI's "Loading view". */
    render(): Node;
  }
  /** A page with a `form.Map` somewhere in it: LuCI's buttons Save & Apply, Save and Reset work on that. */
  interface FormPage {
    handleSave?: never;
    handleSaveApply?: never;
    handleReset?: never;
    /** Called once. Where it rejects, LuCI shows the reason instead of the page. */
    render(): Promise<Node>;
  }
  /** What a view file must return. */
  export interface ViewClass {
    readonly isViewClass: unique symbol;
  }
  const view: { extend(page: Page | FormPage): ViewClass };
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
  /** The answer to one call, of whichever class made it. */
  interface Answer {
    result?: readonly unknown[];
  }
  const rpc: {
    declare<Args extends unknown[], Reply>(call: Call): (...args: Args) => Promise<Reply>;
    /** Sees every answer before its call does; the call rejects with what this rejects with. */
    addInterceptor(see: (answer: Answer, call: { object: string }) => Promise<void>): void;
  };
  export default rpc;
}

declare module 'luci:poll' {
  /** Calls `work` each time `seconds` have passed, unless its last promise is pending. Must not throw: it would not be called again. */
  const poll: { add(work: () => Promise<void>, seconds: number): boolean };
  export default poll;
}

declare module 'luci:uci' {
  /** One section: its options, and `.name`, `.type`, `.anonymous`, `.index`. */
  export type UciSection = { readonly '.name': string; readonly '.type': string } & {
    readonly [option: string]: string | readonly string[];
  };
  /** Values as this page has them: those of the router, and on top what was changed here. Nothing is sent before `save`. */
  const uci: {
    /** Reads packages that were not read yet. Rejects also when one does not exist. */
    load(packages: string | readonly string[]): Promise<string[]>;
    /** Forgets packages, and what was changed in them. */
    unload(packages: string | readonly string[]): void;
    /** Of a section that is not there older ones give `undefined`. */
    get(config: string, section: string): UciSection | null | undefined;
    get(config: string, section: string, option: string): string | readonly string[] | null | undefined;
    /** Of a section that exists; an empty text or list removes the option. */
    set(config: string, section: string, option: string, value: string | readonly string[]): void;
    unset(config: string, section: string, option: string): void;
    /** Makes a section and gives its name; without a name, a provisional one. */
    add(config: string, type: string, name?: string): string;
    remove(config: string, section: string): void;
    sections(config: string, type?: string): UciSection[];
    /** Sends what was changed; it comes into force when it is applied. */
    save(): Promise<unknown>;
  };
  export default uci;
}

declare module 'luci:ui' {
  const ui: {
    /** Puts a note with a button "Dismiss" above the page; `classes`: `info`, `warning`, `danger`. */
    addNotification(
      title: readonly LuciChild[] | null,
      children: readonly LuciChild[],
      ...classes: string[]
    ): HTMLElement;
    changes: {
      /** Counts the changes that are saved and not applied, and shows how many, beside the menu. Rejects as any call. */
      init(): Promise<void>;
      /** Applies them, with LuCI's dialogue, and loads the page anew; `checked`: rolled back unless this browser reaches the router after it. */
      apply(checked: boolean): void;
    };
  };
  export default ui;
}

declare module 'luci:form' {
  /** One of LuCI's classes, to be handed to `section` or `option`, which makes a `T` of it. */
  interface Kind<T> {
    readonly makes: (one: T) => T;
  }

  /** What LuCI can check a text for; what it does not know it would not check. */
  export type Datatype =
    | 'string'
    | 'integer'
    | 'uinteger'
    | 'port'
    | 'host'
    | 'hostname'
    | 'ipaddr'
    | 'ip4addr'
    | 'ip6addr'
    | 'uciname'
    | 'netdevname'
    | `range(${number},${number})`
    | `min(${number})`
    | `max(${number})`
    | `maxlength(${number})`
    | `rangelength(${number},${number})`;

  /** One option of each section. Titles and descriptions are HTML to LuCI. */
  interface Option {
    /** What is shown where the option is not set. */
    default: string | readonly string[] | null;
    /** False: it must not be empty, and is kept even where it has its default value. */
    rmempty: boolean;
    optional: boolean;
    readonly: boolean;
    /** Keeps the value while the field is hidden by `depends`; else it is removed. */
    retain: boolean;
    /** Shown only while another option has this value, or several have theirs; of several calls, one must be met. */
    depends(option: string, value: string): void;
    depends(values: Readonly<Record<string, string>>): void;
  }
  /** A line of text. */
  export interface Value extends Option {
    datatype: Datatype;
    placeholder: string;
    /** Hidden by dots, with a button that shows it. */
    password: boolean;
    /** True, or what is wrong. */
    validate: (section: string, value: string) => true | string;
  }
  /** Several lines of text. `validate` is asked for each, and with an empty text for the list. */
  export type DynamicList = Omit<Value, 'password'>;
  /** A box to tick: `1` or `0`. One that has its default value is not kept, unless `rmempty` is false. */
  export interface Flag extends Option {
    default: '0' | '1';
  }
  /** A choice of one. */
  export interface ListValue extends Option {
    value(key: string, title: string): void;
  }
  /** A text to be read. */
  export type DummyValue = Option;

  interface Section {
    option<T extends Option>(kind: Kind<T>, name: string, title: Translated, description?: Translated): T;
  }
  /** One section by its name; shows nothing when there is none. */
  export type NamedSection = Section;
  /** All sections of a type, one below the other; TableSection: a row each. Adding or deleting one saves the whole form. */
  export interface TypedSection extends Section {
    /** Without names. */
    anonymous: boolean;
    /** With buttons to add and delete. */
    addremove: boolean;
    /** Which sections are shown. */
    filter: (section: string) => boolean;
  }
  export type TableSection = TypedSection;

  /** A form over one package of `/etc/config`. */
  interface FormMap {
    /** The login must not change it: fields and LuCI's buttons are disabled. Known once `render` has resolved. */
    readonly readonly?: boolean;
    section(
      kind: Kind<NamedSection> & { readonly named: true },
      name: string,
      type: string,
      title?: Translated,
      description?: Translated,
    ): NamedSection;
    section(
      kind: Kind<TypedSection> & { readonly named: false },
      type: string,
      title?: Translated,
      description?: Translated,
    ): TypedSection;
    /** Reads the package and draws the form. Rejects when there is no such package, or no right to it. */
    render(): Promise<HTMLElement>;
  }

  const form: {
    Map: new (config: string, title?: Translated, description?: Translated) => FormMap;
    NamedSection: Kind<NamedSection> & { readonly named: true };
    TypedSection: Kind<TypedSection> & { readonly named: false };
    TableSection: Kind<TableSection> & { readonly named: false };
    Value: Kind<Value>;
    Flag: Kind<Flag>;
    ListValue: Kind<ListValue>;
    DynamicList: Kind<DynamicList>;
    DummyValue: Kind<DummyValue>;
  };
  export default form;
}
