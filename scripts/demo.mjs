#!/usr/bin/env node
// Deploys labs/ring-5, shows it working, cuts the link in use, and says what that cost. Set-up is the caller's (npm run demo).
import { demo } from '../dist/src/lab/demo.js';

process.exit(await demo());
