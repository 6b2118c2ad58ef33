#!/usr/bin/env node
// `npm run bench [-- PART…] [--quick] [--json FILE]`: set-up, build, then bench/main.ts with these arguments.
import { setUp, TEST_TOOLS } from './set-up.mjs';

setUp({ tools: TEST_TOOLS, projects: ['src/main', 'bench'], required: false });
await import('../dist/bench/main.js');
