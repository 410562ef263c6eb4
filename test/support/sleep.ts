// Waiting on Node, for what happens in other programs and tells nobody.

/** Ends after so many milliseconds. */
export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
