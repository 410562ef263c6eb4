// What proves that a request comes from our own page.

/** Holds the session's token in requests of pages. */
export const TOKEN_HEADER = 'x-meshbridge-token';
