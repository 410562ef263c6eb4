// The module `native` that the C host and the WebAssembly host provide to the bundle.
declare module 'native' {
  const native: import('../native.ts').Native;
  export default native;
}
