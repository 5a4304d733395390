// A preload for Node: makes the Baileys of the started script trust the simulator's root key.
// Does nothing, and prints nothing, when the script has no Baileys or no simulator is meant.

import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const root = process.env.WA_SIMULATOR_ROOT;
if (root && process.argv[1]) {
  let defaults;
  try {
    defaults = createRequire(process.argv[1]).resolve('baileys/lib/Defaults/index.js');
  } catch {
    defaults = null;
  }
  if (defaults) {
    const { WA_CERT_DETAILS } = await import(pathToFileURL(defaults).href);
    WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(root, 'hex');
  }
}
