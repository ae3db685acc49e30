import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestHub } from './link/test-hub.js';
import { tryLink } from './try-link.js';

describe('a try of the link', () => {
  const hub = new TestHub();
  beforeEach(() => hub.start());
  afterEach(() => hub.stop());

  it('ends well when the hub greets', async () => {
    const tried = tryLink(hub.url, hub.identity);
    expect(await hub.hear('hello')).toMatchObject({ stored: null, desired: {} });
    hub.welcome();
    await expect(tried).resolves.toBeUndefined();
  });

  it('ends with the refusal of the hub', async () => {
    const refused = expect(tryLink(hub.url, hub.identity)).rejects.toMatchObject({
      code: 'certificate_revoked',
      detail: 'Reason: stolen.',
    });
    await hub.hear('hello');
    hub.send({ t: 'refused', code: 'certificate_revoked', detail: 'Reason: stolen.' });
    hub.cut();
    await refused;
  });

  it('ends when the hub says nothing', async () => {
    await expect(tryLink(hub.url, hub.identity, 100)).rejects.toMatchObject({ code: 'hub_unreachable' });
  });
});
