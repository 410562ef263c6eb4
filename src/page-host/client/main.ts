// The client of a page that has no form: it runs one view, and that is all.

import { start } from './start.ts';

interface View {
  render(): Node | Promise<Node>;
}

void start({}, async (view) => {
  document.getElementById('view')!.replaceChildren(await (view as View).render());
});
