/** Reads an exposition in the Prometheus text format 0.0.4 strictly, and throws at the first violation. */
export interface Family {
  readonly type: string
  readonly help: string
  readonly samples: readonly Sample[]
}

export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const LABEL = '([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\\\\n]|\\\\[\\\\"n])*)"'
const SAMPLE = new RegExp(`^(${NAME})(?:\\{((?:${LABEL})(?:,${LABEL})*)\\})? (\\S+)$`)

export function parsePrometheusText(text: string): ReadonlyMap<string, Family> {
  if (!text.endsWith('\n')) throw new Error('The last line does not end')
  const families = new Map<string, { type: string; help: string; samples: Sample[] }>()
  const seen = new Set<string>()
  let current = ''
  for (const line of text.slice(0, -1).split('\n')) {
    const [, keyword = '', name = '', rest = ''] = /^# (HELP|TYPE|UNIT) (\S+) (.*)$/.exec(line) ?? []
    if (keyword === 'HELP') {
      if (families.has(name)) throw new Error(`${name} comes twice`)
      families.set(name, { type: '', help: rest, samples: [] })
      current = name
    } else if (keyword === 'TYPE') {
      const family = families.get(name)
      if (name !== current || family === undefined || family.type !== '') throw new Error(`Misplaced: ${line}`)
      if (!['counter', 'gauge', 'histogram'].includes(rest)) throw new Error(`Unknown type: ${line}`)
      family.type = rest
    } else if (keyword === '') {
      const sample = parseSample(line)
      const family = families.get(current)
      if (family === undefined || family.type === '' || familyOf(sample.name, family.type) !== current) {
        throw new Error(`A sample outside its family: ${line}`)
      }
      const series = line.slice(0, line.lastIndexOf(' '))
      if (seen.has(series)) throw new Error(`Twice the same series: ${series}`)
      seen.add(series)
      family.samples.push(sample)
    }
  }
  for (const [name, family] of families) if (family.type === 'histogram') checkHistogram(name, family.samples)
  return families
}

function parseSample(line: string): Sample {
  const [, name, labelText = '', ...rest] = SAMPLE.exec(line) ?? []
  if (name === undefined) throw new Error(`Not a sample: ${line}`)
  const labels: Record<string, string> = {}
  for (const [, label = '', value = ''] of labelText.matchAll(new RegExp(LABEL, 'g'))) {
    if (label in labels) throw new Error(`Label ${label} comes twice: ${line}`)
    labels[label] = value.replace(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped))
  }
  return { name, labels, value: parseValue(rest.at(-1) ?? '', line) }
}

function parseValue(text: string, line: string): number {
  if (text === '+Inf') return Number.POSITIVE_INFINITY
  if (text === '-Inf') return Number.NEGATIVE_INFINITY
  if (text === 'NaN') return Number.NaN
  if (!/^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text)) throw new Error(`Not a value: ${line}`)
  return Number(text)
}

function familyOf(sampleName: string, type: string): string {
  return type === 'histogram' ? sampleName.replace(/_(bucket|sum|count)$/, '') : sampleName
}

/** Buckets must ascend, be cumulative and end with +Inf, which must equal the count. */
function checkHistogram(name: string, samples: readonly Sample[]): void {
  const series = new Map<string, Sample[]>()
  for (const sample of samples) {
    const { le: _, ...labels } = sample.labels
    const key = JSON.stringify(labels)
    series.set(key, [...(series.get(key) ?? []), sample])
  }
  for (const [key, own] of series) {
    const buckets = own.filter((sample) => sample.name === `${name}_bucket`)
    const count = own.find((sample) => sample.name === `${name}_count`)
    if (count === undefined || !own.some((sample) => sample.name === `${name}_sum`)) {
      throw new Error(`${name}${key} lacks count or sum`)
    }
    let lastBound = Number.NEGATIVE_INFINITY
    let lastValue = 0
    for (const { labels, value } of buckets) {
      const bound = parseValue(labels.le ?? '', `${name}${key}`)
      if (!(bound > lastBound) || value < lastValue) throw new Error(`${name}${key} does not cumulate at ${bound}`)
      lastBound = bound
      lastValue = value
    }
    if (lastBound !== Number.POSITIVE_INFINITY || lastValue !== count.value)
      throw new Error(`${name}${key} is not whole`)
  }
}

export function sampleValue(
  families: ReadonlyMap<string, Family>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  for (const family of families.values()) {
    for (const sample of family.samples) {
      const matches = Object.entries(labels).every(([label, value]) => sample.labels[label] === value)
      if (sample.name === name && matches) return sample.value
    }
  }
  return undefined
}
