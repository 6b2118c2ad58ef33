/** A QR code for a terminal: two modules a character, with the quiet zone that readers want. */
import { generate } from 'lean-qr';

/** ISO 18004 §6.3.8. */
const QUIET = 4;
/** Light is white whatever the terminal's colours are. */
const WHITE_ON_BLACK = '\u001b[97;40m';
const PLAIN = '\u001b[0m';
/** By the light of the upper and of the lower module. */
const BLOCKS = [' ', '▄', '▀', '█'] as const;

/** @param colour False: the terminal's own colours, which fit where the background is dark. */
export function qrText(text: string, colour: boolean): string {
  const code = generate(text);
  const light = (x: number, y: number): number => (code.get(x, y) ? 0 : 1);
  const lines: string[] = [];
  for (let y = -QUIET; y < code.size + QUIET; y += 2) {
    let line = '';
    for (let x = -QUIET; x < code.size + QUIET; x++) {
      line += BLOCKS[2 * light(x, y) + light(x, y + 1)];
    }
    lines.push(colour ? `${WHITE_ON_BLACK}${line}${PLAIN}` : line);
  }
  return `${lines.join('\n')}\n`;
}
