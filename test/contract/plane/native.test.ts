import { loadNative } from '../../../src/platform/native.js';
import { nativeMaker } from './native.js';
import { planeContract } from './suite.js';

const loaded = loadNative();
if (loaded.ok) planeContract('native', nativeMaker(loaded.native));
else
  describe('plane contract: native', () => {
    it(`skipped: ${loaded.reason}`, function () {
      this.skip();
    });
  });
