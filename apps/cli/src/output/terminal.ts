/** What a terminal obeys instead of showing, or shows in another order than it stands: controls, formats, line separators. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu;
const UNSEEN_IN_LINES = /[^\P{Cc}\n\t]|[\p{Cf}\p{Zl}\p{Zp}]/gu;

/** A line with a space in place of all that a terminal would obey: nothing in it moves the cursor, sets a colour or hides. */
export function printable(line: string): string {
  return line.replace(UNSEEN, ' ');
}

/** The same for a text of many lines: ends of lines and tabs stay. */
export function printableLines(text: string): string {
  return text.replace(UNSEEN_IN_LINES, ' ');
}

/** The colours that the program itself may write. */
export const COLORS = { red: 31, green: 32, faint: 2 } as const;
export type Color = keyof typeof COLORS;

/** A text of the program in a colour, the line end after it. */
export function colored(text: string, color: Color): string {
  return text.replace(/[^\n]+/g, (line) => `${ESCAPE}[${COLORS[color]}m${line}${PLAIN}`);
}

const ESCAPE = '\u001B';
const PLAIN = `${ESCAPE}[0m`;

/** A sequence that sets a colour, or how else text looks, and does nothing more. */
const LOOK = String.raw`${ESCAPE}\[[\d;:]{0,32}m`;
/** What may still become one. */
const BEGUN = new RegExp(String.raw`${ESCAPE}(\[[\d;:]{0,32})?$`);
/** Such a sequence, or one character that is not shown as it is. Joiners of letters and signs do no harm. */
const OBEYED = new RegExp(String.raw`${LOOK}|\r\n|[^\P{Cc}\n\t]|[^\P{Cf}\u200C\u200D]|[\p{Zl}\p{Zp}]`, 'gu');

/**
 * Bytes of another program as text for a terminal: its colours stay, and what else a terminal would obey is spelled out,
 * `^[` for escape as `cat -v` does. Whatever the program left on is switched off at the end.
 */
export class ForeignText {
  readonly #decoder = new TextDecoder();
  #rest = '';
  #isColored = false;

  /** What can be shown by now. A sequence that is not whole yet waits for the next piece. */
  next(bytes: Uint8Array): string {
    return this.#shown(this.#decoder.decode(bytes, { stream: true }));
  }

  end(): string {
    const last = this.#shown(this.#decoder.decode()) + spelled(this.#rest);
    return last + (this.#isColored ? PLAIN : '');
  }

  #shown(piece: string): string {
    const text = this.#rest + piece;
    this.#rest = text.endsWith('\r') ? '\r' : (BEGUN.exec(text)?.[0] ?? '');
    return text.slice(0, text.length - this.#rest.length).replace(OBEYED, (found) => {
      if (!found.endsWith('m')) return spelled(found);
      this.#isColored = true;
      return found;
    });
  }
}

function spelled(found: string): string {
  if (found === '\r\n') return '\n';
  return found.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (char) => {
    const code = char.codePointAt(0) ?? 0;
    return code < 0x20 || code === 0x7f
      ? `^${String.fromCharCode(code ^ 0x40)}`
      : `<U+${code.toString(16).toUpperCase().padStart(4, '0')}>`;
  });
}
