import type { Pattern, Token } from '../../../src/noise/handshake-state.js';

/** Noise specification §7 and §18: known keys, then messages. `i` and `r`: that side's static key is known. */
const BASE: Readonly<Record<string, readonly [known: string, ...messages: string[]]>> = {
  N: ['r', 'e es'],
  K: ['ir', 'e es ss'],
  X: ['r', 'e es s ss'],
  NN: ['', 'e', 'e ee'],
  KN: ['i', 'e', 'e ee se'],
  NK: ['r', 'e es', 'e ee'],
  KK: ['ir', 'e es ss', 'e ee se'],
  NX: ['', 'e', 'e ee s es'],
  KX: ['i', 'e', 'e ee se s es'],
  XN: ['', 'e', 'e ee', 's se'],
  IN: ['', 'e s', 'e ee se'],
  XK: ['r', 'e es', 'e ee', 's se'],
  IK: ['r', 'e es s ss', 'e ee se'],
  XX: ['', 'e', 'e ee s es', 's se'],
  IX: ['', 'e s', 'e ee se s es'],
  NK1: ['r', 'e', 'e ee es'],
  NX1: ['', 'e', 'e ee s', 'es'],
  X1N: ['', 'e', 'e ee', 's', 'se'],
  X1K: ['r', 'e es', 'e ee', 's', 'se'],
  XK1: ['r', 'e', 'e ee es', 's se'],
  X1K1: ['r', 'e', 'e ee es', 's', 'se'],
  X1X: ['', 'e', 'e ee s es', 's', 'se'],
  XX1: ['', 'e', 'e ee s', 'es s se'],
  X1X1: ['', 'e', 'e ee s', 'es s', 'se'],
  K1N: ['i', 'e', 'e ee', 'se'],
  K1K: ['ir', 'e es', 'e ee', 'se'],
  KK1: ['ir', 'e', 'e ee se es'],
  K1K1: ['ir', 'e', 'e ee es', 'se'],
  K1X: ['i', 'e', 'e ee s es', 'se'],
  KX1: ['i', 'e', 'e ee se s', 'es'],
  K1X1: ['i', 'e', 'e ee s', 'se es'],
  I1N: ['', 'e s', 'e ee', 'se'],
  I1K: ['r', 'e es s', 'e ee', 'se'],
  IK1: ['r', 'e s', 'e ee se es'],
  I1K1: ['r', 'e s', 'e ee es', 'se'],
  I1X: ['', 'e s', 'e ee s es', 'se'],
  IX1: ['', 'e s', 'e ee se s', 'es'],
  I1X1: ['', 'e s', 'e ee s', 'se es'],
};

/** @param protocol `Noise_XXpsk3_25519_ChaChaPoly_BLAKE2s`. @throws Error for a pattern that has no table above. */
export function patternOf(protocol: string): Pattern {
  const [, base = '', psk] = /^Noise_([A-Z0-9]+)(?:psk(\d))?_/.exec(protocol) ?? [];
  const table = BASE[base];
  if (table === undefined) throw new Error(`no pattern ${base}`);
  const [known, ...texts] = table;
  const messages = texts.map((text) => text.split(' ') as Token[]);
  if (psk === '0') messages[0]?.unshift('psk');
  else if (psk !== undefined) messages[Number(psk) - 1]?.push('psk');
  return {
    protocol,
    known: {
      initiator: known.includes('i') ? ['s'] : [],
      responder: known.includes('r') ? ['s'] : [],
    },
    messages,
  };
}
