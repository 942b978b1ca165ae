/** Input of promtool's unit tests, a sample a minute. */
export interface Series {
  readonly series: string
  readonly values: string
}

type Labels = Readonly<Record<string, string>>

/** Long enough for the longest `for`, and for the short window of a slow burn. */
const MINUTES = 600
const TARGET = { job: 'forewarm', instance: 'node-1:9090' }

function named(name: string, labels: Labels): string {
  const all = Object.entries({ ...TARGET, ...labels }).map(([label, value]) => `${label}="${value}"`)
  return `${name}{${all.join(',')}}`
}

/** A counter that grows by so much a second. */
export function counter(name: string, perSecond: number, labels: Labels = {}): Series {
  return { series: named(`arbitrage_${name}`, { chain: 'base', ...labels }), values: `0+${perSecond * 60}x${MINUTES}` }
}

/** A gauge that stands, or that grows by so much a minute. */
export function gauge(name: string, value: number, labels: Labels = {}, perMinute = 0): Series {
  return { series: named(`arbitrage_${name}`, { chain: 'all', ...labels }), values: `${value}+${perMinute}x${MINUTES}` }
}

/** A gauge without a prefix and a chain. */
export function bare(name: string, value: number, perMinute = 0): Series {
  return { series: named(name, {}), values: `${value}+${perMinute}x${MINUTES}` }
}

const BOUNDS = ['1e-06', '5e-05', '7.5e-05', '0.0001', '0.00025', '0.01', '0.015', '0.02', '0.1', '0.25', '1.0', '+Inf']

/** A histogram in seconds all of whose ten values a second lie below `bound`, and above the bound before. */
export function histogram(name: string, bound: number, labels: Labels = {}): readonly Series[] {
  return BOUNDS.map((le) => {
    const holds = le === '+Inf' || Number(le) >= bound
    return counter(`${name}_bucket`, holds ? 10 : 0, { ...labels, le })
  })
}
