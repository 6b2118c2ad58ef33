import { makePortable } from './portable.js';
import { planeContract } from './suite.js';

planeContract('portable', makePortable);
