import fc from 'fast-check'
import { T0 } from './price-rows.ts'

/** Texts of price records in JSON as people may write them: most are valid, in every notation, and some are not. */

const digits = fc
  .array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 18 })
  .map((list) => list.join('').replace(/^0+(?=\d)/, ''))

export const decimalText: fc.Arbitrary<string> = fc
  .tuple(digits, fc.option(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 18 })))
  .map(([whole, decimals]) => (decimals === null ? whole : `${whole}.${decimals.join('')}`))

const goodNumber = fc.oneof(
  { weight: 6, arbitrary: decimalText },
  {
    weight: 2,
    arbitrary: fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(decimalText, fc.constantFrom('e', 'E', 'e+', 'e-'), fc.nat(20)).map((of) => of.join('')),
  },
)
const quoted = (text: fc.Arbitrary<string>) => text.map((of) => `"${of}"`)
const oddNumber = fc.constantFrom(
  ...['-0', '-1', '"-1"', '1e999', '-1e999', '"NaN"', '"Infinity"', '"-Infinity"', 'NaN', '""', '"1 "', '"01"', '"+1"'],
  ...['".5"', '"5."', '01', '1.', '.5', '+1', '0x10', 'true', 'null', '{}', '[]', '[1]', '1_0', '"１"', '1e', '--1'],
)
const numberText = fc.oneof(
  { weight: 30, arbitrary: goodNumber },
  { weight: 8, arbitrary: quoted(goodNumber) },
  { weight: 1, arbitrary: oddNumber },
)
const timeText = fc.oneof(
  { weight: 30, arbitrary: fc.integer({ min: T0, max: T0 + 1_000_000 }).map(String) },
  { weight: 3, arbitrary: fc.integer({ min: T0, max: T0 + 1000 }).map((ms) => `"${ms}.25"`) },
  { weight: 1, arbitrary: fc.constantFrom('0', '1783715268', '99999999999', '99999999999.9', '100000000000', '1e12') },
  { weight: 1, arbitrary: fc.constantFrom(`${T0}123`, `${T0}123456`, `${T0}.99999999`, `"${T0}.9999999"`) },
  { weight: 1, arbitrary: oddNumber },
)

/** A string with each character in one of the notations that JSON has for it. */
const nameText = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom('"ethereum"', '"WETH/USDC"', '"a"', '"a b"', '" "') },
  {
    weight: 4,
    arbitrary: fc.string({ minLength: 1, maxLength: 20, unit: 'binary' }).map((name) => JSON.stringify(name)),
  },
  { weight: 2, arbitrary: fc.string({ maxLength: 4 }).map((name) => `"${escaped(name)}"`) },
  { weight: 1, arbitrary: fc.nat(600).map((length) => JSON.stringify('n'.repeat(length))) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('""', 'null', '1', '[]', '"\\u0000"', '"\\ud800"', '"\u0001"', '"a\\"b"', '"\\/"'),
  },
)
const anyText = fc.oneof(
  fc.json({ maxDepth: 2 }),
  fc.constantFrom('[[[[]]]]', '"updates"', '{"pair":"x"}', '1', 'null', 'fals'),
)
const versionText = fc.oneof(
  { weight: 12, arbitrary: fc.constant('1') },
  { weight: 1, arbitrary: fc.constantFrom('2', '"1"', '1.0', '1e0', '10', 'null', 'true', '[1]', '-1') },
)

type Field = readonly [key: string, value: string]

function escaped(name: string): string {
  return Array.from(name, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')
}

const optionalField = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(fc.constantFrom('bid', 'ask', 'reserve0', 'reserve1', 'liquidity', 'sequence'), numberText),
  },
  { weight: 1, arbitrary: fc.tuple(fc.constant('sequence'), fc.bigInt(0n, 2n ** 60n).map(String)) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('v'), versionText) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('group'), fc.oneof(nameText, anyText)) },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom('note', 'Price', 'pricf', 'pa1r', 'eventTimems', '', '__proto__'), anyText),
  },
  // The field comes a second time, or in the wrong place.
  {
    weight: 1,
    arbitrary: fc.tuple(
      fc.constantFrom('price', 'bid', 'pair', 'chain', 'updates', 'eventTimeMs'),
      fc.oneof(numberText, nameText, anyText),
    ),
  },
)

const chainText = fc.oneof({ weight: 12, arbitrary: fc.constant('"ethereum"') }, { weight: 1, arbitrary: nameText })
const fieldsOfUpdate: fc.Arbitrary<Field[]> = fc
  .tuple(
    fc.tuple(fc.constant('pair'), nameText),
    fc.tuple(fc.constant('chain'), chainText),
    fc.tuple(fc.constant('price'), numberText),
    fc.tuple(fc.constant('eventTimeMs'), timeText),
    fc.array(optionalField, { maxLength: 6 }),
    fc.integer({ min: 0, max: 40 }),
  )
  .chain(([pair, chain, price, time, rest, without]) =>
    fc
      .shuffledSubarray(
        [pair, chain, price, time, ...rest].filter((_, at) => at !== without),
        { minLength: 0 },
      )
      .map((order) => {
        const fields = [pair, chain, price, time, ...rest].filter((_, at) => at !== without)
        // Most texts have all fields; a subarray that lacks some only sets the order of those that it has.
        return [...order, ...fields.filter((field) => !order.includes(field))]
      }),
  )

const space = fc.oneof(
  { weight: 20, arbitrary: fc.constant('') },
  { weight: 1, arbitrary: fc.constantFrom(' ', '\n  ', '\t', '\r\n') },
)
const keyText = (key: string) =>
  fc.oneof(
    { weight: 40, arbitrary: fc.constant(JSON.stringify(key)) },
    { weight: 1, arbitrary: fc.constant(`"${escaped(key)}"`) },
  )

function objectText(fields: readonly Field[]): fc.Arbitrary<string> {
  const members = fields.map(([key, value]) =>
    fc.tuple(space, keyText(key), space, space, space).map(([a, name, b, c, d]) => `${a}${name}${b}:${c}${value}${d}`),
  )
  return fc.tuple(...members).map((texts) => `{${texts.join(',')}}`)
}

const updateText = fieldsOfUpdate.chain(objectText)
const listText = fc
  .tuple(fc.array(updateText, { maxLength: 4 }), space, space)
  .map(([texts, a, b]) => `[${a}${texts.join(`${b},${a}`)}${b}]`)
const frameText = fc
  .tuple(
    listText,
    fc.option(fc.tuple(fc.constant('v'), versionText)),
    fc.array(optionalField, { maxLength: 1 }),
    fc.boolean(),
  )
  .chain(([updates, version, rest, last]) => {
    const updatesField: Field = ['updates', updates]
    const head: Field[] = version === null ? [] : [version]
    return objectText(last ? [...head, ...rest, updatesField] : [...head, updatesField, ...rest])
  })

export const recordText: fc.Arbitrary<string> = fc
  .tuple(space, fc.oneof(updateText, listText, frameText), space)
  .map((parts) => parts.join(''))

/** The bytes of such a text. One text in three is damaged: it is cut, or a byte is changed, inserted or removed. */
export const recordBytes: fc.Arbitrary<Buffer> = fc
  .tuple(
    recordText.map((text) => Buffer.from(text)),
    fc.constantFrom('none', 'none', 'none', 'none', 'cut', 'change', 'insert', 'leave out'),
    fc.nat(),
    fc.integer({ min: 0, max: 255 }),
  )
  .map(([bytes, damage, place, byte]) => damaged(bytes, damage, { at: place % Math.max(1, bytes.length), byte }))

function damaged(bytes: Buffer, damage: string, { at, byte }: { at: number; byte: number }): Buffer {
  if (damage === 'cut') return bytes.subarray(0, at)
  if (damage === 'none') return bytes
  const [from, put] = damage === 'insert' ? [at, [byte]] : [at + 1, damage === 'change' ? [byte] : []]
  return Buffer.concat([bytes.subarray(0, at), Buffer.from(put), bytes.subarray(from)])
}
