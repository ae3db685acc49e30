import { PassThrough, Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { configOf } from '../config.js';
import { ask, askHidden, outputTo, wait, type World } from './index.js';

function terminal(typed: string): { world: World; said: () => string } {
  let said = '';
  const input = Object.assign(new PassThrough(), { isTTY: true });
  const screen = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      said += chunk.toString();
      done();
    },
  });
  const out = outputTo(screen, false);
  const signal = new AbortController().signal;
  input.write(typed);
  return { world: { config: configOf({}), in: input, out, err: out, signal, now: Date.now, wait }, said: () => said };
}

describe('a prompt', () => {
  it('for a password shows nothing of it', async () => {
    const { world, said } = terminal('correct horse\r');
    expect(await askHidden(world, 'Password: ')).toBe('correct horse');
    expect(said()).toBe('Password: \n');
  });

  it('for an answer shows what is typed', async () => {
    const { world, said } = terminal('y\r');
    expect(await ask(world, 'Delete? ')).toBe('y');
    expect(said()).toContain('Delete? ');
    expect(said()).toContain('y');
  });

  it('is cancelled with Ctrl-C', async () => {
    await expect(askHidden(terminal('half\u0003').world, 'Password: ')).rejects.toMatchObject({
      code: 'call_cancelled',
    });
  });
});

describe('an output', () => {
  it('whose reader has gone drops the rest and says so', async () => {
    const broken = new Writable({
      write: (_chunk, _encoding, done) => {
        done(Object.assign(new Error('gone'), { code: 'EPIPE' }));
      },
    });
    const output = outputTo(broken, true);
    await output.write('a');
    await output.write('b');
    expect(output.gone.aborted).toBe(true);
  });
});

describe('the environment', () => {
  it('is read with empty variables as not set', () => {
    const env = { SELVAGE_URL: 'http://h', SELVAGE_TOKEN: '', HOME: '/home/u', NO_COLOR: '1' };
    expect(configOf(env)).toEqual({
      url: 'http://h',
      contextFile: '/home/u/.config/selvage/cli.json',
      mayColor: false,
      version: expect.stringMatching(/^\d+\.\d+\.\d+/) as string,
    });
    expect(configOf({ XDG_CONFIG_HOME: '/x' })).toMatchObject({ contextFile: '/x/selvage/cli.json', mayColor: true });
  });
});
