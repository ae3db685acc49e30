import { PassThrough, Readable, Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { configOf } from '../config.js';
import { ask, askHidden, type Output, outputTo, wait, type World } from './index.js';

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

  it('for a password asks only when the terminal shows no answer any more', async () => {
    const { world, said } = terminal('correct horse\r');
    const saidBefore: string[] = [];
    const setRawMode = (): void => void saidBefore.push(said());
    await askHidden({ ...world, in: Object.assign(world.in, { setRawMode }) }, 'Password: ');
    expect(saidBefore[0]).toBe('');
  });

  it('for an answer leaves it to the terminal to show what is typed', async () => {
    const { world, said } = terminal('y\n');
    expect(await ask(world, 'Delete? ')).toBe('y');
    expect(said()).toBe('Delete? ');
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

describe('a door to a terminal', () => {
  const printed = async (isTTY: boolean, act: (output: Output) => Promise<void>): Promise<string> => {
    const chunks: Buffer[] = [];
    const stream = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        chunks.push(chunk);
        done();
      },
    });
    await act(outputTo(Object.assign(stream, { isTTY }), true));
    return Buffer.concat(chunks).toString('latin1');
  };
  const bytes = [new Uint8Array([0x1b, 0x5b, 0x33]), new Uint8Array([0x31, 0x6d, 0x61, 0x1b, 0x63, 0xff, 0x0d])];

  it('lets through words and its own colours', async () => {
    expect(await printed(true, (output) => output.write('a\u001B[2Jb\n\tc\u202Ed\n', 'red'))).toBe(
      '\u001B[31ma [2Jb\u001B[0m\n\u001B[31m\tc d\u001B[0m\n',
    );
    expect(await printed(false, (output) => output.write('a\u001B[2Jb\n', 'red'))).toBe('a [2Jb\n');
  });

  it('obeys nothing of the bytes of another program but colours, and switches those off', async () => {
    const shown = await printed(true, (output) => output.copy(Readable.from(bytes)));
    expect(Buffer.from(shown, 'latin1').toString()).toBe('\u001B[31ma^[c\uFFFD^M\u001B[0m');
  });

  it('copies the bytes of another program exactly when it is none', async () => {
    const copied = await printed(false, (output) => output.copy(Readable.from(bytes)));
    expect(copied).toBe(Buffer.concat(bytes).toString('latin1'));
  });

  it('switches colours off though the other program breaks off', async () => {
    const broken = async function* () {
      yield await Promise.resolve(Buffer.from('\u001B[31ma'));
      throw new Error('broken');
    };
    const shown = printed(true, (output) => expect(output.copy(broken())).rejects.toThrow('broken'));
    expect(await shown).toBe('\u001B[31ma\u001B[0m');
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
