import { describe, expect, it } from 'vitest';
import { ForeignText, printable, printableLines } from './index.js';

const HOSTILE = 'a\u001B[2J\u009B1m\u0007\u202E\u2066\u200Bb\rc\u2028d\u007F\u{E0001}e';

describe('words for a terminal', () => {
  it('have nothing in them that it would obey', () => {
    expect(printable(`${HOSTILE}\n\tx`)).toBe('a [2J 1m b c d e x');
    expect(printableLines(`${HOSTILE}\n\tx`)).not.toMatch(/[^\P{C}\n\t]/u);
    expect(printableLines('a\n\tb')).toBe('a\n\tb');
  });
});

describe('what another program wrote', () => {
  const encoder = new TextEncoder();
  const shown = (...pieces: (string | Uint8Array)[]): string => {
    const text = new ForeignText();
    const all = pieces.map((piece) => text.next(typeof piece === 'string' ? encoder.encode(piece) : piece));
    return all.join('') + text.end();
  };

  it.each([
    ['plain text with tabs', 'a\tb\n', 'a\tb\n'],
    ['colours, switched off at the end', '\u001B[1;31mred\n', '\u001B[1;31mred\n\u001B[0m'],
    ['a title of the window', '\u001B]0;root@hub\u0007', '^[]0;root@hub^G'],
    ['a move of the cursor', 'x\u001B[1A\u001B[2Ky', 'x^[[1A^[[2Ky'],
    ['a control of eight bits', 'x\u009B2J', 'x<U+009B>2J'],
    ['a return to the beginning of the line', 'deleted\rfine   \n', 'deleted^Mfine   \n'],
    ['line ends of another system', 'a\r\nb\r\n', 'a\nb\n'],
    ['text that runs backwards', 'a\u202Eb\u2069', 'a<U+202E>b<U+2069>'],
    ['signs that are joined', '\u{1F468}\u200D\u{1F469}', '\u{1F468}\u200D\u{1F469}'],
    ['bytes that are no text', new Uint8Array([0x61, 0xff, 0x9b, 0x62]), 'a\uFFFD\uFFFDb'],
    ['an escape at the end', 'a\u001B[3', 'a^[[3'],
  ])('has %s', (_what, given, expected) => {
    expect(shown(given)).toBe(expected);
  });

  it('comes in pieces that cut through everything', () => {
    const whole = encoder.encode('é\u001B[32mok\r\n\u001B[1A\u202E\r');
    const expected = 'é\u001B[32mok\n^[[1A<U+202E>^M\u001B[0m';
    for (let at = 0; at <= whole.length; at += 1) {
      expect(shown(whole.slice(0, at), whole.slice(at)), `cut at ${at}`).toBe(expected);
    }
    expect(shown(...Array.from(whole, (byte) => new Uint8Array([byte])))).toBe(expected);
  });
});
