// What the holders of keys may do to a router, in rising order.

/** What a key may ask for; each includes those before it. */
export const SCOPES = ['observe', 'diagnose', 'operate', 'configure'] as const;
export type Scope = (typeof SCOPES)[number];

/** The most that the owner of a router lets anybody's key do. */
export const CAPS = ['none', ...SCOPES] as const;
export type Cap = (typeof CAPS)[number];
