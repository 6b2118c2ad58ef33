/** `npm ci` ends here (prepare): the product is compiled, so that bin/alamesh works. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { buildNative } from './build-native.mjs';
import { build, PRODUCT, root } from './set-up.mjs';

const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');
if (process.env.ALAMESH_SKIP_BUILD === '1') {
  // The caller builds by itself.
} else if (!existsSync(tsc)) {
  process.stderr.write('alamesh: not built, as development dependencies are not installed\n');
} else {
  build(PRODUCT);
  buildNative();
}
