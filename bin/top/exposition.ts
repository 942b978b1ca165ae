/** One series of an exposition. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** The samples of a scrape by the names of their series, as of Prometheus text 0.0.4. */
export class Exposition {
  readonly #samples = new Map<string, Sample[]>()
  readonly #prefix: string

  constructor(text: string) {
    for (const line of text.split('\n')) {
      const [, name, labels = '', value] = LINE.exec(line) ?? []
      if (name === undefined || value === undefined) continue
      const samples = this.#samples.get(name) ?? []
      this.#samples.set(name, samples)
      samples.push({ labels: labelsOf(labels), value: numberOf(value) })
    }
    const marker = [...this.#samples.keys()].find((name) => name.endsWith(MARKER))
    this.#prefix = marker?.slice(0, -MARKER.length) ?? ''
  }

  /** Those of a metric whose labels include these. A prefix of the node's own (METRICS_PREFIX) is found by itself. */
  of(name: string, labels: Readonly<Record<string, string>> = {}): readonly Sample[] {
    const all = this.#samples.get(this.#prefix + name) ?? this.#samples.get(name) ?? []
    return all.filter((sample) => Object.entries(labels).every(([label, value]) => sample.labels[label] === value))
  }

  /** Undefined if there is no such series. */
  sum(name: string, labels?: Readonly<Record<string, string>>): number | undefined {
    const samples = this.of(name, labels)
    return samples.length === 0 ? undefined : samples.reduce((total, { value }) => total + value, 0)
  }

  max(name: string, labels?: Readonly<Record<string, string>>): number | undefined {
    const samples = this.of(name, labels)
    return samples.length === 0 ? undefined : Math.max(...samples.map(({ value }) => value))
  }
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: -?\d+)?$/
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g
/** Every node has it. */
const MARKER = 'price_updates_total'

function labelsOf(text: string): Readonly<Record<string, string>> {
  const pairs = [...text.matchAll(LABEL)].map(([, name = '', value = '']) => [name, unescaped(value)] as const)
  return Object.fromEntries(pairs)
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character))
}

/** Prometheus writes infinities as +Inf and -Inf. */
function numberOf(text: string): number {
  return Number(text.replace(/Inf$/, 'Infinity'))
}
