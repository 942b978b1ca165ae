import { areMostly, type Leaf, numberIn } from './leaves.ts'

const NAMES = {
  pair: [
    'symbol',
    'sym',
    'pair',
    'productid',
    'instrumentid',
    'instid',
    'instrument',
    'market',
    'ticker',
    'currencypair',
    'asset',
    'pool',
    'address',
    's',
    'i',
    'id',
    'code',
    'name',
  ],
  price: [
    'price',
    'last',
    'lastprice',
    'px',
    'lastpx',
    'lasttradeprice',
    'tradeprice',
    'markprice',
    'mid',
    'midprice',
    'close',
    'rate',
    'p',
    'l',
    'c',
    'value',
  ],
  bid: ['bid', 'bidprice', 'bestbid', 'bestbidprice', 'bidpx', 'bp', 'b'],
  ask: ['ask', 'askprice', 'bestask', 'bestaskprice', 'askpx', 'offer', 'ap', 'a'],
  chain: ['chain', 'venue', 'exchange', 'network', 'source', 'blockchain', 'market'],
  sequence: ['sequence', 'seq', 'sequencenumber', 'seqnum', 'sequencenum', 'updateid', 'u', 'nonce'],
  time: [
    'eventtimems',
    'eventtime',
    'timestamp',
    'time',
    'ts',
    'tsms',
    'publishtime',
    'exchangetime',
    'at',
    't',
    'e',
    'datetime',
    'date',
    'recvns',
    'receivedat',
    'updatedat',
  ],
} as const
export type Role = keyof typeof NAMES

/** The leaves whose names are usual for the role, the likeliest first, that also have such values. */
export function candidatesOf(role: Role, leaves: Iterable<Leaf>, isFit: (leaf: Leaf) => boolean): readonly Leaf[] {
  const rank = (leaf: Leaf) => (NAMES[role] as readonly string[]).indexOf(leaf.name)
  return [...leaves].filter((leaf) => rank(leaf) >= 0 && isFit(leaf)).sort((a, b) => rank(a) - rank(b))
}

export function areNumbers(leaf: Leaf): boolean {
  return areMostly(leaf, (value) => numberIn(value) !== undefined)
}

export function areNames(leaf: Leaf): boolean {
  return areMostly(leaf, (value) => typeof value === 'string' && value.length <= 128 && numberIn(value) === undefined)
}

export function areIntegers(leaf: Leaf): boolean {
  return areMostly(leaf, (value) => Number.isInteger(numberIn(value)))
}
