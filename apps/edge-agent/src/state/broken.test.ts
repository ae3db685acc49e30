import { expect, it } from 'vitest';
import { openedSound } from './broken.js';

it.each([
  ['SQLITE_FULL', 'out_of_disk'],
  ['ENOSPC', 'out_of_disk'],
  ['SQLITE_READONLY', 'config_invalid'],
  ['EACCES', 'config_invalid'],
  ['SQLITE_IOERR', 'database_unavailable'],
])('a database that cannot be opened for %s is reported as %s, by its name', async (code, reported) => {
  const failure = Object.assign(new Error('no'), { code });
  await expect(openedSound('/data/agent.db', () => Promise.reject(failure))).rejects.toMatchObject({
    code: reported,
    detail: expect.stringContaining('/data/agent.db') as string,
    cause: failure,
  });
});
