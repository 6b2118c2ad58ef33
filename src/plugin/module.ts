/** Where the module of a plugin is: a file relative to the state directory, or a package. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { bad, good, type Parsed } from '../base/result.js';

/**
 * @param module `./x.js`, `/opt/x.js`, `plugins/x.js` (a file when it is there), `file:///…`, or a package's name.
 * @returns What to import; a package is looked for later, by the process that imports it.
 */
export function moduleOf(module: string, dir: string): Parsed<string> {
  if (module.startsWith('file:')) {
    const isUrl = URL.canParse(module) && new URL(module).host === '';
    return isUrl ? fileAt(fileURLToPath(module)) : bad(`${module} is no file URL`);
  }
  const file = path.resolve(dir, module);
  const isFile = path.isAbsolute(module) || /^\.\.?\//.test(module) || existsSync(file);
  return isFile ? fileAt(file) : good(module);
}

function fileAt(file: string): Parsed<string> {
  if (existsSync(file)) return good(pathToFileURL(file).href);
  return bad(`there is no file ${file}`);
}
