#!/usr/bin/env node
// Sets up what is missing, then: deploys labs/ring-5, shows it working, cuts the link in use and says what that cost.
import { DEMO_TOOLS, PRODUCT, setUp } from './set-up.mjs';

setUp({ tools: DEMO_TOOLS, projects: PRODUCT, required: true });
const { demo } = await import('../dist/src/lab/demo.js');
process.exit(await demo());
