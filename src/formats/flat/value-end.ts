import { NUMBER_ROUNDED, readNumber } from '../../../schemas/json/json-number.ts'
import { isPlain } from '../../../schemas/record-bytes.ts'

const QUOTE = 0x22
const MINUS = 0x2d
const BACKSLASH = 0x5c
const TRUE = 0x65757274
const NULL = 0x6c6c756e
const ALSE = 0x65736c61

/** The position after a text without escapes, a number, true, false or null; -1 for anything else. */
export function valueEnd(view: DataView, from: number, end: number): number {
  if (from >= end) return -1
  const first = view.getUint8(from)
  if (first === QUOTE) return textEnd(view, from + 1, end)
  if (from + 5 > end) return numberEnd(view, from, end)
  const word = view.getInt32(from, true)
  if (word === TRUE || word === NULL) return from + 4
  if (first === 0x66 && view.getInt32(from + 1, true) === ALSE) return from + 5
  return numberEnd(view, from, end)
}

/** The position after the quote that ends a text of ASCII without escapes; -1 for any other. */
export function textEnd(view: DataView, start: number, end: number): number {
  let at = start
  while (at + 4 <= end && isPlain(view.getInt32(at, true))) at += 4
  for (; at < end; at++) {
    const byte = view.getUint8(at)
    if (byte === QUOTE) return at + 1
    if (!(byte >= 0x20 && byte < 0x80) || byte === BACKSLASH) return -1
  }
  return -1
}

function numberEnd(view: DataView, from: number, end: number): number {
  const start = view.getUint8(from) === MINUS ? from + 1 : from
  if (start >= end || view.getUint8(start) === QUOTE) return -1
  const rounded = NUMBER_ROUNDED[0] as number
  const at = readNumber(view, start, end)
  // A number that nobody takes may be rounded.
  NUMBER_ROUNDED[0] = rounded
  return at
}
