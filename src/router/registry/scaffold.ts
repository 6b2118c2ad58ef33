/** `alamesh registry init`: a new realm's repository, ready to push. */
import { existsSync, readdirSync } from 'node:fs';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { EXIT, UserError } from '../../base/errors.js';
import { defaultWork, WORK_MAX } from '../../identity/address.js';
import { isRealm } from '../../identity/names.js';
import { Git } from '../../platform/git.js';
import { formatRealmFile, type RealmFile } from '../../registry/realm-file.js';
import { commitAll } from './commit.js';

export interface InitOptions {
  readonly realm: string;
  readonly work: number | undefined;
  readonly privateEndpoints: boolean;
}

/** @throws UserError when the folder has something in it, or a value is bad. */
export async function initRegistry(dir: string, options: InitOptions) {
  const { realm, privateEndpoints, work = defaultWork(realm) } = options;
  if (!isRealm(realm))
    throw usage(`realm '${realm.slice(0, 80)}' is not 1 to 63 of a-z, 0-9 and -`);
  if (!Number.isInteger(work) || work < 0 || work > WORK_MAX) {
    throw usage(`work is not a whole number from 0 to ${WORK_MAX}`);
  }
  if (existsSync(dir) && readdirSync(dir).length > 0) {
    throw new UserError(`${dir} is there already and not empty`, { code: 'exists' });
  }
  const files = filesOf({ realm, work, privateEndpoints });
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(dir, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
  }
  await chmod(path.join(dir, 'hooks/pre-receive'), 0o755);
  const git = new Git(dir);
  await git.must(['init', '--quiet', '--initial-branch=main'], { own: true });
  const commit = await commitAll(git, `Realm ${realm}`, ['.']);
  return {
    schema: 'alamesh.registry.init/1',
    ...{ dir, realm, work, commit, files: Object.keys(files) },
    message: `realm ${realm} is ready in ${dir}; next: git -C ${dir} remote add origin URL && git -C ${dir} push -u origin main`,
  };
}

const usage = (message: string): UserError =>
  new UserError(message, { code: 'bad-option', exit: EXIT.usage });

const filesOf = (file: RealmFile): Readonly<Record<string, string>> => ({
  'README.md': readme(file),
  'realm.toml': formatRealmFile(file),
  'members/.gitkeep': '',
  'tombstones/.gitkeep': '',
  '.github/workflows/check.yml': workflow('ubuntu-latest'),
  '.forgejo/workflows/check.yml': workflow('docker'),
  '.gitea/workflows/check.yml': workflow('ubuntu-latest'),
  'hooks/pre-receive': HOOK,
});

/** What `alamesh init` must be told. */
const forRealm = ({ realm, work }: RealmFile): string =>
  work === defaultWork(realm) ? realm : `${realm} --work ${work}`;

const readme = (file: RealmFile): string => `# The members of ${file.realm}

To join, with alamesh installed:

    alamesh init --realm ${forRealm(file)}
    git clone URL-OF-THIS-REPOSITORY realm
    alamesh registry add --handle YOUR-NAME --dir realm
    cd realm && git push -u origin HEAD       # or push to your fork, then open a pull request
    alamesh registry sync --url URL-OF-THIS-REPOSITORY

Every file is signed by the node it is about: do not edit one by hand. \`alamesh registry check\` says what is wrong.
Put \`[registry] url = "…"\` into alamesh.toml and the router looks here once an hour.
`;

const workflow = (runner: string): string => `name: check
on: [pull_request, push]
permissions:
  contents: read
jobs:
  check:
    runs-on: ${runner}
    steps:
      - uses: actions/checkout@v4
        with:
          fetch-depth: 0
          persist-credentials: false
      - uses: actions/setup-node@v4
        with:
          node-version: 22
      - run: npm install --global \${{ vars.ALAMESH_PACKAGE || 'alamesh' }}
      - name: alamesh registry check
        env:
          BASE: \${{ github.event.pull_request.base.sha }}
        run: alamesh registry check \${BASE:+"$BASE..HEAD"}
`;

/** Copied to hooks/ of the bare repository; git gives `old new ref` lines. */
const HOOK = `#!/bin/sh
# A bare repository's check: cp this file to its hooks/ folder. Only main is what routers read.
set -eu
none=0000000000000000000000000000000000000000
while read -r old new ref; do
  [ "$ref" = refs/heads/main ] || continue
  if [ "$new" = "$none" ]; then echo 'main is not deleted' >&2; exit 1; fi
  if [ "$old" = "$none" ]; then
    alamesh registry check --dir . "$new" >&2
  elif git merge-base --is-ancestor "$old" "$new"; then
    alamesh registry check --dir . "$old..$new" >&2
  else
    echo 'main is not rewritten: pull first' >&2
    exit 1
  fi
done
`;
