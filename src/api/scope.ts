// What the holders of keys may do to a router.

/** In rising order: each includes those before it. */
const RISING = ['observe', 'diagnose', 'operate', 'configure'] as const;

/** What a key may ask for. `desk`, the homes of a gateway, stands apart: it includes `observe` alone, and no other one includes it. */
export const SCOPES = [...RISING, 'desk'] as const;
export type Scope = (typeof SCOPES)[number];

/** The most that the owner of a router lets anybody's key do. */
export const CAPS = ['none', ...RISING] as const;
export type Cap = (typeof CAPS)[number];

/** Whose keys the owner of a gateway lets decide on its homes: nobody's, those of scope `desk`, those of `configure` too. */
export const DESK_CAPS = ['none', 'desk', 'configure'] as const;
export type DeskCap = (typeof DESK_CAPS)[number];
