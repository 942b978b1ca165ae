import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { crc32c } from '../../../src/broker/kafka/crc32c.ts'

test.each([
  ['32 bytes of 0', Buffer.alloc(32), 0x8a9136aa],
  ['32 bytes of 255', Buffer.alloc(32, 255), 0x62a8ab43],
  ['0 to 31', Buffer.from(Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e],
  ['31 to 0', Buffer.from(Array.from({ length: 32 }, (_, i) => 31 - i)), 0x113fdb5c],
  ['123456789', Buffer.from('123456789'), 0xe3069283],
  ['nothing', Buffer.alloc(0), 0],
])('crc32c gives the checksum of RFC 3720 for %s', (_, bytes, checksum) => {
  expect(crc32c(bytes)).toBe(checksum)
})

/** Bit by bit, by the polynomial's definition. */
function slowCrc32c(bytes: Uint8Array): number {
  let crc = -1
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  }
  return ~crc >>> 0
}

test('crc32c of a part is the checksum that its bits have, wherever the part begins and ends', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(200), fc.nat(200), (bytes, a, b) => {
      const [from, to] = [Math.min(a, b, bytes.length), Math.min(Math.max(a, b), bytes.length)]
      expect(crc32c(bytes, from, to)).toBe(slowCrc32c(bytes.slice(from, to)))
    }),
  )
})

test.each([32_767, 32_768, 32_769, 65_536, 100_003])(
  'crc32c of %i bytes is the checksum that their bits have',
  (length) => {
    const bytes = Buffer.from(Array.from({ length: length + 3 }, (_, at) => Math.imul(at, 0x9e3779b1) >>> 24))
    expect(crc32c(bytes, 3)).toBe(slowCrc32c(bytes.subarray(3)))
    // What went before leaves nothing behind.
    expect(crc32c(bytes, 0, 20)).toBe(slowCrc32c(bytes.subarray(0, 20)))
  },
)
