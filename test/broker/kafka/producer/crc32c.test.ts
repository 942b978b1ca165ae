import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { crc32c } from '../../../../src/broker/kafka/producer/crc32c.ts'

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

test('crc32c of a part equals that of its copy, wherever the part begins', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), fc.nat(100), (bytes, a, b) => {
      const [from, to] = [Math.min(a, b, bytes.length), Math.min(Math.max(a, b), bytes.length)]
      expect(crc32c(bytes, from, to)).toBe(crc32c(bytes.slice(from, to)))
    }),
  )
})
